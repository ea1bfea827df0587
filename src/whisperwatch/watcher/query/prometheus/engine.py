"""Measures, answered by Prometheus or whatever speaks its API (Mimir, Thanos, VictoriaMetrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.engines import Incomplete
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus.api import Api, Points, Result
from whisperwatch.watcher.query.prometheus.buckets import LE, by_group
from whisperwatch.watcher.query.prometheus.counting import LongCounting
from whisperwatch.watcher.query.prometheus.rendering import exact
from whisperwatch.watcher.query.prometheus.selectors import label_of


class Prometheus:
    """A `MetricEngine`.

    Args:
        ours: a label matcher of this bot's series; None asks for all.
    """

    name = "prometheus"

    def __init__(self, client: StoreClient, ours: str | None = None) -> None:
        self._api, self._ours = Api(client), ours
        self._long = LongCounting(self._api, ours)

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
            raise self._api.rubbish() from None
        return [
            self._told(
                measure,
                {group: list(buckets.quantiles(share)) for group, buckets in distributions.items()},
                found.warnings,
            )
            for share in shares
        ]

    async def _ask(self, measure: Measure, metric: Known, grid: Grid, labels: Sequence[str]) -> Result:
        if self._long.is_for(measure, metric, grid):
            return await self._long.ask(measure, metric, grid, labels)
        return await self._api.ask(exact(measure, metric, grid.window, self._ours), grid, labels)

    def _told(
        self, measure: Measure, groups: Mapping[tuple[str, ...], Points], warnings: Sequence[str]
    ) -> Sequence[Series]:
        series = [
            Series(dict(zip(measure.by, group, strict=True)), tuple(points))
            for group, points in groups.items()
            if points
        ]
        return Incomplete(series, f"{self._api.called} warns: {'; '.join(warnings)}") if warnings else series
