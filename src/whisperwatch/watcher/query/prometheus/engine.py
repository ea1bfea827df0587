"""Measures, answered by Prometheus or whatever speaks its API (Mimir, Thanos, VictoriaMetrics)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.engines import EngineError, Incomplete
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus.buckets import LE, Points, by_group
from whisperwatch.watcher.query.prometheus.rendering import exact
from whisperwatch.watcher.query.prometheus.selectors import label_of

_POINTS: Final = 10_000
"""Prometheus answers at most 11,000 times of one question."""


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
        if measure.quantile is not None:
            return (await self.quantiles(measure, (measure.quantile,), metric, grid))[0]
        found = await self._ask(measure, metric, grid, [label_of(key) for key in measure.by])
        return self._told(measure, found.groups, found.warnings)

    async def quantiles(
        self, measure: Measure, shares: Sequence[float], metric: Known, grid: Grid
    ) -> Sequence[Sequence[Series]]:
        """See `engines.MetricEngine`."""
        found = await self._ask(measure, metric, grid, [*map(label_of, measure.by), LE])
        try:
            distributions = by_group(found.groups)
        except ValueError:
            raise self._rubbish() from None
        return [
            self._told(
                measure,
                {group: list(buckets.quantiles(share)) for group, buckets in distributions.items()},
                found.warnings,
            )
            for share in shares
        ]

    async def _ask(self, measure: Measure, metric: Known, grid: Grid, labels: Sequence[str]) -> _Result:
        query = exact(measure, metric, grid.window, self._ours)
        groups: dict[tuple[str, ...], Points] = {}
        warnings: dict[str, None] = {}
        for part in _parts(grid):  # one after the other: each is as much as a store answers at once
            form = {"query": query, "start": str(part.first), "end": str(part.last), "step": str(part.step)}
            told = await self._client.post("/api/v1/query_range", form)
            try:
                result = _result(told, labels)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise self._rubbish() from None
            warnings |= dict.fromkeys(result.warnings)
            for group, points in result.groups.items():
                groups.setdefault(group, []).extend(points)
        return _Result(groups, tuple(warnings))

    def _told(
        self, measure: Measure, groups: Mapping[tuple[str, ...], Points], warnings: Sequence[str]
    ) -> Sequence[Series]:
        series = [
            Series(dict(zip(measure.by, group, strict=True)), tuple(points))
            for group, points in groups.items()
            if points
        ]
        return (
            Incomplete(series, f"{self._client.called} warns: {'; '.join(warnings)}") if warnings else series
        )

    def _rubbish(self) -> EngineError:
        return EngineError(f"{self._client.called} answers with other JSON than Prometheus' API: is it one?")


class _Result(NamedTuple):
    """Points by the labels' values."""

    groups: dict[tuple[str, ...], Points]
    warnings: Sequence[str]


def _result(told: Any, labels: Sequence[str]) -> _Result:
    data = told["data"]
    if data["resultType"] != "matrix":
        raise ValueError
    groups = {
        tuple([str(one["metric"].get(label, "")) for label in labels]): list(_points(one["values"]))
        for one in data["result"]
    }
    return _Result(groups, [str(warning) for warning in told.get("warnings") or ()])


def _parts(grid: Grid) -> Iterator[Grid]:
    for first in range(grid.first, grid.last + 1, grid.step * _POINTS):
        yield Grid(first, min(grid.last, first + grid.step * (_POINTS - 1)), grid.step, grid.window)


def _points(values: Any) -> Iterator[tuple[int, float]]:
    for at, text in values:
        value = float(text)
        if math.isfinite(value):  # 0 / 0 is no answer
            yield round(float(at)), value
