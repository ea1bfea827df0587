"""Measures, answered by Prometheus or whatever speaks its API (Mimir, Thanos, VictoriaMetrics)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.engines import EngineError, Incomplete
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus.rendering import exact
from whisperwatch.watcher.query.prometheus.selectors import label_of

_POINTS: Final = 10_000
"""Prometheus answers at most 11,000 times of one question."""

Points = list[tuple[int, float]]


class Prometheus:
    """A `MetricEngine`.

    Args:
        ours: a label matcher of this bot's series; None asks for all.
    """

    name = "prometheus"

    def __init__(self, client: StoreClient, ours: str | None = None) -> None:
        self._client, self._ours = client, ours

    async def measure(self, measure: Measure, metric: Known, grid: Grid) -> Sequence[Series]:
        """See `engines.MetricEngine`."""
        query = exact(measure, metric, grid.window, self._ours)
        labels = [label_of(key) for key in measure.by]
        points: dict[tuple[str, ...], Points] = {}
        warnings: dict[str, None] = {}
        for part in _parts(grid):  # one after the other: each is as much as a store answers at once
            result = await self._ask(query, part, labels)
            warnings |= dict.fromkeys(result.warnings)
            for group, of_group in result.groups:
                points.setdefault(group, []).extend(of_group)
        series = [
            Series(dict(zip(measure.by, group, strict=True)), tuple(of_group))
            for group, of_group in points.items()
            if of_group
        ]
        return (
            Incomplete(series, f"{self._client.called} warns: {'; '.join(warnings)}") if warnings else series
        )

    async def _ask(self, query: str, grid: Grid, labels: Sequence[str]) -> _Result:
        form = {"query": query, "start": str(grid.first), "end": str(grid.last), "step": str(grid.step)}
        told = await self._client.post("/api/v1/query_range", form)
        try:
            return _result(told, labels)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise EngineError(
                f"{self._client.called} answers with other JSON than Prometheus' API: is it one?"
            ) from None


class _Result(NamedTuple):
    groups: list[tuple[tuple[str, ...], Points]]
    warnings: Sequence[str]


def _result(told: Any, labels: Sequence[str]) -> _Result:
    data = told["data"]
    if data["resultType"] != "matrix":
        raise ValueError
    groups = [
        (tuple([str(one["metric"].get(label, "")) for label in labels]), list(_points(one["values"])))
        for one in data["result"]
    ]
    return _Result(groups, [str(warning) for warning in told.get("warnings") or ()])


def _parts(grid: Grid) -> Iterator[Grid]:
    for first in range(grid.first, grid.last + 1, grid.step * _POINTS):
        yield Grid(first, min(grid.last, first + grid.step * (_POINTS - 1)), grid.step, grid.window)


def _points(values: Any) -> Iterator[tuple[int, float]]:
    for at, text in values:
        value = float(text)
        if math.isfinite(value):  # 0 / 0 is no answer
            yield round(float(at)), value
