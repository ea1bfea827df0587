"""PromQL asked of whatever speaks Prometheus' API, and its answers as points by groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.query.prometheus.rendering import duration
from whisperwatch.watcher.query.prometheus.together import Rows, Together

_POINTS: Final = 10_000
"""Prometheus answers at most 11,000 times of one question."""
_QUICK_S: Final = 3600
"""A window of so many seconds is looked at quickly: such questions may go together."""
Points = list[tuple[int, float]]


class Result(NamedTuple):
    """Points by the labels' values."""

    groups: dict[tuple[str, ...], Points]
    warnings: Sequence[str]


class Samples(NamedTuple):
    """Of each series the labels' values, and its samples: unix ms, and the value."""

    series: Sequence[tuple[tuple[str, ...], list[tuple[int, float]]]]
    warnings: Sequence[str]


class Api:
    """The API at the other end of a client."""

    def __init__(self, client: StoreClient) -> None:
        self._client = client
        self._together = Together(lambda query, at: self._send(query, at, at, 1))
        self.called = client.called

    async def ask(self, query: str, grid: Grid, labels: Sequence[str]) -> Result:
        """What a query says at the times of a grid.

        Raises:
            EngineError: it says nothing.
        """
        groups: dict[tuple[str, ...], Points] = {}
        warnings: dict[str, None] = {}
        for part in _parts(grid):  # one after the other: each is as much as a store answers at once
            try:
                if len(grid) == 1 and grid.window <= _QUICK_S:
                    told = await self._together.ask(query, grid.last)
                else:
                    told = await self._send(query, part.first, part.last, part.step)
                found = {_named(one, labels): list(_points(one["values"])) for one in told.series}
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                raise self.rubbish() from None
            warnings |= dict.fromkeys(told.warnings)
            for group, points in found.items():
                groups.setdefault(group, []).extend(points)
        return Result(groups, tuple(warnings))

    async def samples(
        self, series: str, span: tuple[int, int], before_s: int, labels: Sequence[str]
    ) -> Samples:
        """The samples of a selector's series, of (start, end] and so many seconds before.

        Raises:
            EngineError: there are none to be had.
        """
        start, end = span
        form = {"query": f"{series}[{duration(end - start + before_s)}]", "time": str(end)}
        told = await self._client.post("/api/v1/query", form)
        try:
            if told["data"]["resultType"] != "matrix":
                raise ValueError
            found = [
                (
                    _named(one, labels),
                    [(round(float(at) * 1000), float(value)) for at, value in one["values"]],
                )
                for one in told["data"]["result"]
            ]
            return Samples(found, _warnings(told))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self.rubbish() from None

    async def _send(self, query: str, first: int, last: int, step: int) -> Rows:
        form = {"query": query, "start": str(first), "end": str(last), "step": str(step)}
        told = await self._client.post("/api/v1/query_range", form)
        data = told["data"]
        if data["resultType"] != "matrix":
            raise ValueError
        return Rows(data["result"], _warnings(told))

    def rubbish(self) -> EngineError:
        """What is to be raised where an answer makes no sense."""
        return EngineError(f"{self.called} answers with other JSON than Prometheus' API: is it one?")


def _warnings(told: Any) -> Sequence[str]:
    return [str(warning) for warning in told.get("warnings") or ()]


def _named(series: Any, labels: Sequence[str]) -> tuple[str, ...]:
    return tuple([str(series["metric"].get(label, "")) for label in labels])


def _parts(grid: Grid) -> Iterator[Grid]:
    for first in range(grid.first, grid.last + 1, grid.step * _POINTS):
        yield Grid(first, min(grid.last, first + grid.step * (_POINTS - 1)), grid.step, grid.window)


def _points(values: Any) -> Iterator[tuple[int, float]]:
    for at, text in values:
        value = float(text)
        if math.isfinite(value):  # 0 / 0 is no answer
            yield round(float(at)), value
