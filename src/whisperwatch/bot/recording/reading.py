"""What an SDK `MetricReader` collects from our cells: the SDK's own data points, cumulative or delta as it prefers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.sdk.metrics import (
    Counter,
    Exemplar,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from whisperwatch.bot.recording.cells import Cell, Distribution, Instrument
from whisperwatch.bot.recording.recorder import recorder

_SDK_KINDS: dict[str, Any] = {"counter": Counter, "updowncounter": UpDownCounter, "histogram": Histogram}
_DELTA = AggregationTemporality.DELTA


class MetricReading:
    """One reader's view of the cells; remembers, for delta, what it read last."""

    def __init__(self, reader: MetricReader, resource: Callable[[], Resource]) -> None:
        self.temporality = {
            kind: reader._instrument_class_temporality[_internal(reader, sdk)] for kind, sdk in _SDK_KINDS.items()
        }
        self.resource = resource
        self._last: dict[int, tuple[Any, ...]] = {}
        self._last_time = 0

    def read(self) -> MetricsData | None:
        """Everything recorded so far; None where there is nothing."""
        now = recorder.clock.now() + recorder.clock.offset
        scopes = {d[1]: InstrumentationScope(d[2], d[3], d[4], d[5]) for d in recorder.definitions if d[0] == "scope"}
        by_scope: dict[int, list[Metric]] = {}
        starts = {d[1]: d[4] + recorder.clock.offset for d in recorder.definitions if d[0] == "cell"}
        described = {d[1]: d for d in recorder.definitions if d[0] == "instrument"}
        for instrument in recorder.instruments:
            cells = list(instrument)
            if cells:
                metric = self._metric(instrument, described[instrument.number], cells, starts, now)
                by_scope.setdefault(described[instrument.number][2], []).append(metric)
        self._last_time = now
        if not by_scope:
            return None
        resource = self.resource()
        scope_metrics = [
            ScopeMetrics(scopes[number], found, scopes[number].schema_url or "") for number, found in by_scope.items()
        ]
        return MetricsData([ResourceMetrics(resource, scope_metrics, resource.schema_url)])

    def _metric(
        self, instrument: Instrument, described: tuple[Any, ...], cells: Iterable[Cell], starts: dict[int, int], now: int
    ) -> Metric:
        temporality = self.temporality.get(instrument.kind, AggregationTemporality.CUMULATIVE)
        points = [self._point(instrument, cell, starts[cell.number], now, temporality) for cell in cells]
        data: Any
        if instrument.kind == "histogram":
            data = HistogramData(points, temporality)
        elif instrument.kind == "gauge":
            data = Gauge(points)
        else:
            data = Sum(points, temporality, instrument.kind == "counter")
        return Metric(described[3], described[6], described[5], data)

    def _point(self, instrument: Instrument, cell: Cell, start: int, now: int, temporality: AggregationTemporality) -> Any:
        delta = temporality is _DELTA and instrument.kind != "gauge"
        if delta:
            start = max(start, self._last_time)
        if isinstance(cell, Distribution):
            return self._histogram_point(cell, start, now, delta)
        value = cell.value
        if delta:
            (before,) = self._last.get(cell.number, (0,))
            self._last[cell.number] = (value,)
            value -= before
        return NumberDataPoint(cell.attributes, start, now, value)

    def _histogram_point(self, cell: Distribution, start: int, now: int, delta: bool) -> HistogramDataPoint:
        counts, total, lowest, highest = tuple(cell.counts), cell.sum, cell.lowest, cell.highest
        exemplars = [_exemplar(e) for e in list(cell.exemplars.values())]
        if delta:
            before = self._last.get(cell.number, ((0,) * len(counts), 0))
            self._last[cell.number] = (counts, total)
            counts = tuple(new - old for new, old in zip(counts, before[0], strict=True))
            total -= before[1]
        return HistogramDataPoint(
            cell.attributes, start, now, sum(counts), total, counts, cell.bounds, lowest, highest, exemplars
        )  # fmt: skip


def _exemplar(record: tuple[Any, ...]) -> Exemplar:
    value, time, trace_id, span_id = record
    return Exemplar({}, value, time + recorder.clock.offset, span_id, trace_id)


def _internal(reader: MetricReader, kind: type) -> type:
    """The class by which a reader keeps its preferences: the SDK's private subclass of the API's instrument."""
    for candidate in reader._instrument_class_temporality:
        if issubclass(candidate, kind) or candidate.__name__.lstrip("_") == kind.__name__:
            return candidate
    raise KeyError(kind)


__all__ = ["MetricReading", "ObservableCounter", "ObservableGauge", "ObservableUpDownCounter"]
