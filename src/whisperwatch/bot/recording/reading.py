"""What an SDK `MetricReader` collects from our cells: the SDK's own data points, cumulative or delta as it prefers.

Cells only ever add up, so with delta three things are not as from the SDK: a histogram has no min and max of the
interval, a sum that was only added 0 to gives no point, and attribute sets count against the cap for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from whisperwatch.bot.recording import cells
from whisperwatch.bot.recording.cells import Cell, Distribution, Instrument
from whisperwatch.bot.recording.recorder import recorder

_DELTA = AggregationTemporality.DELTA


class MetricReading:
    """One reader's view of the cells; remembers what it has read last, for delta, and which exemplars."""

    def __init__(self, reader: MetricReader, resource: Callable[[], Resource]) -> None:
        self._temporality = {
            sdk.__name__.lstrip("_"): preferred
            for sdk, preferred in reader._instrument_class_temporality.items()
        }
        self._resource = resource
        self._last: dict[int, tuple[Any, ...]] = {}
        self._last_time = 0
        self._shown: dict[int, dict[int, cells.Exemplar]] = {}

    def read(self) -> MetricsData | None:
        """Everything recorded so far; None where there is nothing."""
        now = recorder.clock.now() + recorder.clock.offset
        starts = {d[1]: d[4] + recorder.clock.offset for d in list(recorder.definitions) if d[0] == "cell"}
        found: dict[InstrumentationScope, list[Metric]] = {}
        for instrument in recorder.instruments:
            metric = self._metric(instrument, starts, now)
            if metric is not None:
                found.setdefault(recorder.scope_of(instrument), []).append(metric)
        self._last_time = now
        if not found:
            return None
        resource = self._resource()
        of_scopes = [ScopeMetrics(scope, metrics, scope.schema_url or "") for scope, metrics in found.items()]
        return MetricsData([ResourceMetrics(resource, of_scopes, resource.schema_url)])

    def _metric(self, instrument: Instrument, starts: dict[int, int], now: int) -> Metric | None:
        temporality = self._temporality[instrument.sort]
        delta = temporality is _DELTA and instrument.kind != "gauge"
        observed = instrument.observed
        points: list[Any] = []
        for cell in instrument:
            if observed is None or cell in observed:
                start = max(starts[cell.number], self._last_time) if delta else starts[cell.number]
                points += self._point(cell, start, now, delta, observed is not None)
        if not points:
            return None
        data: Sum | Gauge | Histogram
        if instrument.kind == "histogram":
            data = Histogram(points, temporality)
        elif instrument.kind == "gauge":
            data = Gauge([NumberDataPoint(p.attributes, None, now, p.value) for p in points])  # type: ignore[arg-type]
        else:
            data = Sum(points, temporality, instrument.kind == "counter")
        return Metric(instrument.name, instrument.description, instrument.unit, data)

    def _point(self, cell: Cell, start: int, now: int, delta: bool, observed: bool) -> list[Any]:
        """The cell's point; none where an interval brought nothing."""
        if isinstance(cell, Distribution):
            return self._histogram_point(cell, start, now, delta)
        value = cell.value
        if delta:
            (before,) = self._last.get(cell.number, (0,))
            self._last[cell.number] = (value,)
            if value == before and not observed:
                return []
            value -= before
        return [NumberDataPoint(dict(cell.attributes), start, now, value)]

    def _histogram_point(self, cell: Distribution, start: int, now: int, delta: bool) -> list[Any]:
        counts, total = tuple(cell.counts), cell.sum
        lowest: float | None = cell.lowest
        highest: float | None = cell.highest
        if delta:
            lowest = highest = None
            before = self._last.get(cell.number, ((0,) * len(counts), 0))
            self._last[cell.number] = (counts, total)
            counts = tuple(new - old for new, old in zip(counts, before[0], strict=True))
            total -= before[1]
            if not any(counts):
                return []
        return [
            HistogramDataPoint(
                dict(cell.attributes), start, now, sum(counts), total, counts, cell.bounds,
                lowest, highest, self._exemplars(cell),  # type: ignore[arg-type]
            )
        ]  # fmt: skip

    def _exemplars(self, cell: Distribution) -> list[Exemplar]:
        """The newest of each bucket, if they are newer than those that this reader has seen."""
        if not cell.with_exemplars:
            return []
        newest = {**cell.taken, **cell.exemplars}
        shown = self._shown.get(cell.number, {})
        self._shown[cell.number] = newest
        fresh = [newest[bucket] for bucket in sorted(newest) if newest[bucket] is not shown.get(bucket)]
        offset = recorder.clock.offset
        return [Exemplar({}, value, at + offset, span_id, trace_id) for value, at, trace_id, span_id in fresh]
