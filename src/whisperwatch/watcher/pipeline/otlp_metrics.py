"""The newest values of a stream as OTLP bytes (`ResourceMetrics` of an ExportMetricsServiceRequest).

Decoded, the bytes equal what the SDK's encoder gives for the same metrics. Cumulative by default; with a preference
for delta the differences are made here, since the tape is always cumulative. Then a histogram has no min and max:
those of an interval can't be known from those since the start.

A cell that has counted before its first export is exported twice then: as 0 when it began, and as it is. Who looks at
the growth between two points (Prometheus' `increase`) would lose what the first one has. A cell that began before its
stream came to this watcher from another has no such point, for the other may have exported it, and it would begin anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, Literal
from weakref import proxy

from whisperwatch.watcher.pipeline.attributes import KeyValues
from whisperwatch.watcher.pipeline.otlp_spans import scope_fields
from whisperwatch.watcher.pipeline.protobuf import message, number, text
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Cell, Exemplar, Instrument, Records, Scope, Value

Temporality = Literal["cumulative", "delta", "lowmemory"]
"""OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. `lowmemory` is `delta` here: the tape doesn't tell observable
counters from others."""

_MS: Final = 1_000_000
_DELTA: Final = 1
_CUMULATIVE: Final = 2
_DELTA_KINDS: Final = frozenset({"counter", "histogram"})
_TIME = struct.Struct("<BQ").pack
_DOUBLE = struct.Struct("<Bd").pack
_INT = struct.Struct("<Bq").pack


class MetricEncoder:
    """Encodes the metrics of one stream, and remembers what was last exported where deltas are wanted.

    Args:
        after: wall ns of the last export before this stream's first, of another stream with the same series perhaps.
    """

    def __init__(
        self, stream: Records, redaction: Redaction, temporality: Temporality = "cumulative", after: int = 0
    ) -> None:
        self._stream = proxy(stream)  # what is kept by stream must not keep it
        self._zeros = stream.counts_from_zero and temporality == "cumulative"
        self._no_zero_before = after + _MS if after else 0
        """The earliest time of a point of 0."""
        self._delta = temporality != "cumulative"
        self._number_attributes = KeyValues(7, redaction)
        self._histogram_attributes = KeyValues(9, redaction)
        self._scope_attributes = KeyValues(3, redaction)
        self._resource_attributes = KeyValues(1, redaction)
        self._attributes: dict[Cell, bytes] = {}
        self._heads: dict[Instrument, bytes] = {}
        self._bounds: dict[Instrument, bytes] = {}
        self._bodies: dict[Cell, tuple[Value, bytes]] = {}
        """What was encoded of a cell, but for the time, and of which value: most are the same at the next export."""
        self._last: dict[Cell, tuple[Value, int]] = {}

    def encode(self, now: int) -> tuple[bytes, int]:
        """One `resource_metrics` field and the number of its points; nothing if there are none. `now` is wall ns."""
        by_scope: dict[int, tuple[Scope, list[bytes]]] = {}
        total = 0
        for instrument in self._stream.instruments:
            encoded, points = self._instrument(instrument, now)
            if points:
                _, metrics = by_scope.setdefault(id(instrument.scope), (instrument.scope, []))
                metrics.append(message(2, encoded))
                total += points
        self._no_zero_before = now
        if not total:
            return b"", 0
        # encoded anew: the watcher learns its service's name from the first bot
        body = [message(1, self._resource_attributes.encode(self._stream.resource))]
        for scope, metrics in by_scope.values():
            before, after = scope_fields(scope, self._scope_attributes)
            body.append(message(2, b"".join([before, *metrics, after])))
        return message(1, b"".join(body)), total

    def _instrument(self, instrument: Instrument, now: int) -> tuple[bytes, int]:
        delta = self._delta and instrument.kind in _DELTA_KINDS
        points = []
        zeros = self._zeros and instrument.kind in _DELTA_KINDS
        for cell in instrument.cells:
            zero = self._zero(instrument, cell, now) if zeros and cell not in self._bodies else None
            if zero is not None:
                points.append(message(1, zero))
            point = self._point(instrument, cell, now, delta)
            if point is not None:
                points.append(message(1, point))
        if not points:
            return b"", 0
        data = b"".join(points)
        temporality = number(2, _DELTA if delta else _CUMULATIVE)
        if instrument.kind == "gauge":
            body = message(5, data)
        elif instrument.kind == "histogram":
            body = message(9, data + temporality)
        else:
            body = message(7, data + temporality + number(3, int(instrument.kind == "counter")))
        return self._head(instrument) + body, len(points)

    def _head(self, instrument: Instrument) -> bytes:
        head = self._heads.get(instrument)
        if head is None:
            head = text(1, instrument.name) + text(2, instrument.description) + text(3, instrument.unit)
            self._heads[instrument] = head
        return head

    def _zero(self, instrument: Instrument, cell: Cell, now: int) -> bytes | None:
        """The point before a cell's first, where it is of use."""
        if cell.value is None or not cell.value[0] or cell.start < self._stream.returned:
            return None
        at = max(cell.start + _MS, self._no_zero_before)  # at its start it would mean that that is unknown
        if at >= now:
            return None
        times = _TIME(0x11, cell.start) + _TIME(0x19, at)
        return times + self._body(instrument, cell, _nothing(cell.value), delta=False)

    def _point(self, instrument: Instrument, cell: Cell, now: int, delta: bool) -> bytes | None:
        value, start = cell.value, cell.start
        if value is None:
            return None
        if delta:
            before, start = self._last.get(cell, (None, start))
            if before == value:
                return None
            self._last[cell] = value, now
            if before is not None:
                value = _difference(value, before)
        times = _TIME(0x19, now) if instrument.kind == "gauge" else _TIME(0x11, start) + _TIME(0x19, now)
        known = self._bodies.get(cell)
        if known is None or known[0] is not value:
            known = self._bodies[cell] = value, self._body(instrument, cell, value, delta)
        exemplars = cell.take_fresh() if cell.fresh else ()
        if exemplars:
            return times + known[1] + _exemplars(8 if instrument.kind == "histogram" else 5, exemplars)
        return times + known[1]

    def _body(self, instrument: Instrument, cell: Cell, value: Value, delta: bool) -> bytes:
        if instrument.kind != "histogram":
            encoded = _INT(0x31, value[0]) if isinstance(value[0], int) else _DOUBLE(0x21, value[0])
            return encoded + self._cell_attributes(cell, self._number_attributes)
        bounds = self._bounds.get(instrument)
        if bounds is None:
            bounds = message(7, struct.pack(f"<{len(instrument.bounds)}d", *instrument.bounds))
            self._bounds[instrument] = bounds
        attributes = self._cell_attributes(cell, self._histogram_attributes)
        return distribution(value, with_extremes=not delta) + bounds + attributes

    def _cell_attributes(self, cell: Cell, attributes: KeyValues) -> bytes:
        known = self._attributes.get(cell)
        if known is None:
            known = self._attributes[cell] = attributes.encode(cell.attributes)
        return known


def distribution(value: Value, with_extremes: bool) -> bytes:
    """Count, sum, bucket counts and, where they are known, min and max of a HistogramDataPoint."""
    count, total, least, most, buckets = value
    parts = [
        _TIME(0x21, count),
        _DOUBLE(0x29, total),
        message(6, struct.pack(f"<{len(buckets)}Q", *buckets)),
    ]
    if with_extremes and count and least is not None and most is not None:
        parts += [_DOUBLE(0x59, least), _DOUBLE(0x61, most)]
    return b"".join(parts)


def _nothing(value: Value) -> Value:
    if len(value) == 1:
        return (type(value[0])(),)
    return 0, 0.0, None, None, (0,) * len(value[4])


def _difference(now: Value, before: Value) -> Value:
    if len(now) == 1:
        return (now[0] - before[0],)
    count, total, _, _, buckets = now
    _, total_before, _, _, buckets_before = before
    deltas = tuple(a - b for a, b in zip(buckets, buckets_before, strict=True))
    return count - before[0], total - total_before, None, None, deltas


def _exemplars(field: int, exemplars: Iterable[Exemplar]) -> bytes:
    return b"".join(
        [
            message(
                field,
                _TIME(0x11, one.time)
                + (_INT(0x31, one.value) if isinstance(one.value, int) else _DOUBLE(0x19, one.value))
                + message(4, one.span_id.to_bytes(8, "big"))
                + message(5, one.trace_id.to_bytes(16, "big")),
            )
            for one in exemplars
        ]
    )
