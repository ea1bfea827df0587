"""Our bytes decode equal to what the SDK's encoder makes of the same metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from tests.watcher.pipeline.unmasked import unmasked_keys

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder
from whisperwatch.watcher.records import LocalStream

OFFSET = 1_700_000_000_000_000_000
NOW = OFFSET + 10**12
RESOURCE = {"service.name": "bot"}
MS = 1_000_000
CUMULATIVE = AggregationTemporality.CUMULATIVE

attributes = st.dictionaries(
    unmasked_keys(8),
    st.text(max_size=8)
    | st.integers(-9, 9)
    | st.booleans()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=2),
    max_size=3,
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats()
starts = st.integers(OFFSET + 1, NOW)
number_points = st.lists(
    st.builds(NumberDataPoint, attributes, starts, st.just(NOW), numbers), min_size=1, max_size=3
)
gauge_points = st.lists(
    st.builds(NumberDataPoint, attributes, st.none(), st.just(NOW), numbers), min_size=1, max_size=3
)


@st.composite
def histograms(draw: Any) -> Histogram:
    bounds = sorted(draw(st.lists(st.floats(-1e6, 1e6), max_size=5, unique=True)))
    points = []
    for _ in range(draw(st.integers(1, 3))):
        measured = draw(st.lists(st.floats(-1e7, 1e7) | st.integers(-99, 99), min_size=1, max_size=5))
        # the newest exemplar of each bucket, as the cells keep them
        buckets = {sum(bound < value for bound in bounds): value for value in measured}
        exemplars = [
            Exemplar(
                {}, value, draw(starts), draw(st.integers(1, 2**64 - 1)), draw(st.integers(1, 2**128 - 1))
            )
            for value in draw(st.sampled_from([[], list(buckets.values())]))
        ]
        counts = draw(st.lists(st.integers(0, 2**40), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
        counts[0] += 1
        points.append(
            HistogramDataPoint(
                draw(attributes),
                draw(starts),
                NOW,
                sum(counts),
                float(sum(measured)),
                counts,
                bounds,
                float(min(measured)),
                float(max(measured)),
                exemplars,
            )
        )
    return Histogram(points, CUMULATIVE)


data = (
    st.builds(Sum, number_points, st.just(CUMULATIVE), st.booleans())
    | st.builds(Gauge, gauge_points)
    | histograms()
)
metrics = st.builds(
    Metric, st.text(max_size=10), st.text(max_size=10), st.sampled_from(["", "s", "By"]), data
)
scopes = [
    InstrumentationScope("one"),
    InstrumentationScope("two", "1.0", "https://example.org/1", {"k": "v"}),
]


def with_zeros(metric: Metric) -> Metric:
    """What the SDK would export if it told of births: a point of 0 before the first of what has counted since."""
    if isinstance(metric.data, Gauge) or (isinstance(metric.data, Sum) and not metric.data.is_monotonic):
        return metric
    points: list[Any] = []
    for point in metric.data.data_points:
        if point.start_time_unix_nano + MS < NOW and (isinstance(metric.data, Histogram) or point.value):
            points.append(born(point))
        points.append(point)
    return replace(metric, data=replace(metric.data, data_points=points))


def born(point: Any) -> Any:
    start = point.start_time_unix_nano
    if isinstance(point, NumberDataPoint):
        return NumberDataPoint(point.attributes, start, start + MS, type(point.value)())
    return replace(
        point, time_unix_nano=start + MS, count=0, sum=0.0, bucket_counts=[0] * len(point.bucket_counts), min=None,
        max=None, exemplars=[],
    )  # fmt: skip


def metrics_data(by_scope: list[list[Metric]]) -> MetricsData:
    scoped = [ScopeMetrics(s, m, s.schema_url) for s, m in zip(scopes, by_scope, strict=False) if m]
    return MetricsData([ResourceMetrics(Resource(RESOURCE), scoped, "")])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(metrics, min_size=1, max_size=3), min_size=1, max_size=2))
def test_equals_the_sdks_encoder(tape, redaction, by_scope):
    writer = tape(RESOURCE)
    writer.metrics(metrics_data(by_scope))
    encoder = MetricEncoder(writer.stream, redaction)
    for expected in ([[with_zeros(one) for one in of_scope] for of_scope in by_scope], by_scope):
        body, points = encoder.encode(NOW)
        assert points == sum(len(metric.data.data_points) for of_scope in expected for metric in of_scope)
        ours, theirs = (
            ExportMetricsServiceRequest.FromString(body),
            encode_metrics(metrics_data(expected)),
        )
        if expected is by_scope:  # each exemplar went with the first
            forget_exemplars(theirs)
        assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


def forget_exemplars(request: ExportMetricsServiceRequest) -> None:
    for of_resource in request.resource_metrics:
        for metric in (one for of_scope in of_resource.scope_metrics for one in of_scope.metrics):
            for point in metric.histogram.data_points if metric.HasField("histogram") else ():
                del point.exemplars[:]


def decode(encoder: MetricEncoder, now: int) -> dict[str, Any]:
    body, _ = encoder.encode(now)
    request = ExportMetricsServiceRequest.FromString(body)
    return {m.name: m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics}


def test_a_cell_without_a_value_is_not_exported(tape, redaction):
    writer = tape(RESOURCE)
    instrument = writer.define("instrument", writer.scope(scopes[0]), "c", "counter", "1", "", None)
    writer.define("cell", instrument, {}, 0)
    writer.send()
    assert MetricEncoder(writer.stream, redaction).encode(NOW) == (b"", 0)


def test_an_empty_histogram_has_neither_min_nor_max(tape, redaction):
    writer = tape(RESOURCE)
    instrument = writer.define("instrument", writer.scope(scopes[0]), "h", "histogram", "s", "", (1.0,))
    cell = writer.define("cell", instrument, {}, 0)
    writer.send([], [(cell, 0, 0.0, float("inf"), float("-inf"), (0, 0), None)])
    (point,) = decode(MetricEncoder(writer.stream, redaction), NOW)["h"].histogram.data_points
    assert (point.count, point.HasField("min"), point.HasField("max")) == (0, False, False)


def test_an_exemplar_is_exported_once(tape, redaction):
    writer = tape(RESOURCE)
    instrument = writer.define("instrument", writer.scope(scopes[0]), "h", "histogram", "s", "", (1.0,))
    cell = writer.define("cell", instrument, {}, 0)
    writer.send([], [(cell, 1, 0.5, 0.5, 0.5, (1, 0), ((0.5, 7, 1, 2),))])
    encoder = MetricEncoder(writer.stream, redaction)
    exported = [len(decode(encoder, NOW + n)["h"].histogram.data_points[-1].exemplars) for n in range(2)]
    assert exported == [1, 0]
    assert len(writer.stream.instruments[0].cells[0].exemplars) == 1, "the newest stays for /metrics"


class TestBirth:
    """A count that begins at 5 is not lost to who looks at its growth."""

    def points(self, encoder: MetricEncoder, now: int, name: str = "c") -> list[tuple[int, int]]:
        made = decode(encoder, now).get(name)
        return [(p.time_unix_nano, p.as_int) for p in made.sum.data_points] if made else []

    @pytest.fixture
    def born(self, tape):
        writer = tape(RESOURCE)
        writer.counter = writer.define("instrument", writer.scope(scopes[0]), "c", "counter", "1", "", None)
        return writer

    def test_a_late_cell_was_0_at_the_export_before(self, born, redaction):
        encoder = MetricEncoder(born.stream, redaction)
        early = born.define("cell", born.counter, {"k": "early"}, 5)
        born.send([], [(early, 3)])
        assert self.points(encoder, NOW) == [(OFFSET + 5 + MS, 0), (NOW, 3)]
        late = born.define("cell", born.counter, {"k": "late"}, 6)
        born.send([], [(late, 2)])
        assert self.points(encoder, NOW + 9) == [(NOW + 9, 3), (NOW, 0), (NOW + 9, 2)]

    def test_a_cell_that_began_after_the_export_before_was_0_when_it_began(self, born, redaction):
        encoder = MetricEncoder(born.stream, redaction)
        encoder.encode(NOW)
        born.send([], [(born.define("cell", born.counter, {}, NOW - OFFSET + 4), 2)])
        assert self.points(encoder, NOW + 9 * MS) == [(NOW + 4 + MS, 0), (NOW + 9 * MS, 2)]

    @pytest.mark.parametrize("start", [NOW - MS, NOW, NOW + 1])
    def test_no_point_is_younger_than_the_value(self, born, redaction, start):
        born.send([], [(born.define("cell", born.counter, {}, start - OFFSET), 2)])
        assert self.points(MetricEncoder(born.stream, redaction), NOW) == [(NOW, 2)]

    def test_what_begins_at_0_says_so_itself(self, born, redaction):
        encoder = MetricEncoder(born.stream, redaction)
        cell = born.define("cell", born.counter, {}, 5)
        born.send([], [(cell, 0)])
        assert self.points(encoder, NOW) == [(NOW, 0)]
        born.send([], [(cell, 4)])
        assert self.points(encoder, NOW + 1) == [(NOW + 1, 4)]

    def test_of_a_stream_that_returned_the_old_cells_may_have_been_exported(self, born, redaction):
        born.stream.returned = NOW
        encoder = MetricEncoder(born.stream, redaction)
        born.send([], [(born.define("cell", born.counter, {"k": "old"}, 5), 7)])
        assert self.points(encoder, NOW) == [(NOW, 7)]
        born.send([], [(born.define("cell", born.counter, {"k": "new"}, NOW - OFFSET + 1), 1)])
        assert self.points(encoder, NOW + 9 * MS) == [
            (NOW + 9 * MS, 7),
            (NOW + 1 + MS, 0),
            (NOW + 9 * MS, 1),
        ]

    def test_they_may_come_after_the_first_export(self, born, redaction):
        """Else a counter would seem to begin anew, and count all it has counted once more."""
        born.stream.returned = NOW - MS
        encoder = MetricEncoder(born.stream, redaction)
        encoder.encode(NOW)
        born.send([], [(born.define("cell", born.counter, {"k": "old"}, 5), 7)])
        assert self.points(encoder, NOW + 9 * MS) == [(NOW + 9 * MS, 7)]

    def test_a_successor_begins_after_the_last_export_of_its_predecessor(self, born, redaction):
        encoder = MetricEncoder(born.stream, redaction, after=NOW - 3 * MS)
        born.send([], [(born.define("cell", born.counter, {}, 5), 7)])
        assert self.points(encoder, NOW) == [(NOW - 2 * MS, 0), (NOW, 7)]

    def test_levels_have_none(self, born, redaction):
        level = born.define("instrument", born.scope(scopes[0]), "u", "updowncounter", "1", "", None)
        born.send([], [(born.define("cell", level, {}, 5), 7)])
        assert self.points(MetricEncoder(born.stream, redaction), NOW, "u") == [(NOW, 7)]

    def test_what_the_machine_counts_began_before_us(self, redaction):
        stream = LocalStream(RESOURCE)
        stream.set(semconv.SELF_EXPORTED, 500, {"signal": "spans"})
        encoder = MetricEncoder(stream, redaction)
        now = stream.instruments[0].cells[0].start + 10**9
        assert self.points(encoder, now, "whisperwatch.exported") == [(now, 500)]


class TestDelta:
    def history(self, writer: Any) -> tuple[int, int, int, int]:
        scope = writer.scope(scopes[0])
        kinds = ("counter", "updowncounter", "gauge")
        numbers = [writer.define("instrument", scope, kind, kind, "1", "", None) for kind in kinds]
        numbers.append(writer.define("instrument", scope, "histogram", "histogram", "s", "", (1.0,)))
        return tuple(writer.define("cell", number, {}, 5) for number in numbers)  # type: ignore[return-value]

    @pytest.mark.parametrize("preference", ["delta", "lowmemory"])
    def test_counters_and_histograms_are_differences(self, tape, redaction, preference):
        writer = tape(RESOURCE)
        counter, updown, gauge, histogram = self.history(writer)
        encoder = MetricEncoder(writer.stream, redaction, preference)
        writer.send([], [(counter, 3), (updown, 3), (gauge, 3), (histogram, 2, 2.5, 0.5, 2.0, (1, 1), None)])
        first = decode(encoder, NOW)
        writer.send([], [(counter, 10), (updown, 1), (gauge, 1), (histogram, 5, 9.0, 0.5, 3.0, (2, 3), None)])
        second = decode(encoder, NOW + 7)

        def sums(made: dict[str, Any]) -> list[tuple[int, int, int]]:
            return [
                (p.as_int, p.start_time_unix_nano, made[name].sum.aggregation_temporality)
                for name in ("counter", "updowncounter")
                for p in made[name].sum.data_points
            ]

        assert sums(first) == [(3, OFFSET + 5, 1), (3, OFFSET + 5, 2)]
        assert sums(second) == [(7, NOW, 1), (1, OFFSET + 5, 2)]
        assert second["gauge"].gauge.data_points[0].as_int == 1
        (point,) = second["histogram"].histogram.data_points
        assert (point.count, point.sum, list(point.bucket_counts)) == (3, 6.5, [1, 2])
        assert (point.start_time_unix_nano, point.HasField("min")) == (NOW, False)

    def test_what_did_not_change_is_not_sent_again(self, tape, redaction):
        writer = tape(RESOURCE)
        counter, *_ = self.history(writer)
        encoder = MetricEncoder(writer.stream, redaction, "delta")
        writer.send([], [(counter, 0)])
        assert "counter" in decode(encoder, NOW), "the first zero tells that the series is there"
        assert "counter" not in decode(encoder, NOW + 1)


def test_a_local_stream_is_exported_like_any(redaction):
    stream = LocalStream(RESOURCE)
    stream.set(semconv.SYSTEM_MEMORY_UTILIZATION, 0.25)
    stream.add(semconv.SELF_EXPORTED, 2, {"signal": "spans"})
    made = decode(MetricEncoder(stream, redaction), NOW)
    assert made["system.memory.utilization"].gauge.data_points[0].as_double == 0.25
    assert made["whisperwatch.exported"].sum.is_monotonic
