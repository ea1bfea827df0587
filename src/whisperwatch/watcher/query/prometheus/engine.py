"""Measures, answered by Prometheus or whatever speaks its API (Mimir, Thanos, VictoriaMetrics)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Measure
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
        query = exact(measure, metric, grid.window, self._ours)
        parts = await asyncio.gather(*[self._ask(query, part) for part in _parts(grid)])
        points: dict[tuple[str, ...], list[tuple[int, float]]] = {}
        labels = [label_of(key) for key in measure.by]
        for one in (one for part in parts for one in part):
            group = tuple([str(one["metric"].get(label, "")) for label in labels])
            points.setdefault(group, []).extend(_points(one["values"]))
        return [
            Series(dict(zip(measure.by, group, strict=True)), tuple(of_group))
            for group, of_group in points.items()
            if of_group
        ]

    async def _ask(self, query: str, grid: Grid) -> list[Mapping[str, Any]]:
        form = {"query": query, "start": str(grid.first), "end": str(grid.last), "step": str(grid.step)}
        told = await self._client.post("/api/v1/query_range", form)
        try:
            if told["status"] != "success" or told["data"]["resultType"] != "matrix":
                raise EngineError(
                    f"Prometheus ({self._client.target.shown}) says: {told.get('error', told['status'])}"
                )
            found: list[Mapping[str, Any]] = told["data"]["result"]
            for one in found:
                one["metric"], one["values"]
        except (KeyError, TypeError, AttributeError):
            shown = self._client.target.shown
            raise EngineError(
                f"Prometheus ({shown}) answers with other JSON than its API: is it one?"
            ) from None
        return found


def _parts(grid: Grid) -> Iterator[Grid]:
    for first in range(grid.first, grid.last + 1, grid.step * _POINTS):
        yield Grid(first, min(grid.last, first + grid.step * (_POINTS - 1)), grid.step, grid.window)


def _points(values: Any) -> Iterator[tuple[int, float]]:
    for at, text in values:
        value = float(text)
        if math.isfinite(value):  # 0 / 0 is no answer
            yield round(float(at)), value
