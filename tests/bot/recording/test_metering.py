"""Our meter provider beside the SDK's: the same operations give an SDK reader the same metrics."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from whisperwatch import semconv
from whisperwatch.bot.recording.metering import MeterProvider, Unsupported
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracer import TracerProvider

RESOURCE = Resource({"service.name": "bot"})
DELTA = dict.fromkeys(
    (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter),
    AggregationTemporality.DELTA,
)
BOUNDS = (0.5, 1.5, 10.5)


class Mood(enum.StrEnum):
    FINE = "fine"


def providers(temporality: Any = None, **how: Any) -> list[tuple[Any, InMemoryMetricReader]]:
    """The SDK's provider and ours, each with a reader."""
    made = []
    for kind in (SDKMeterProvider, MeterProvider):
        reader = InMemoryMetricReader(temporality)
        made.append((kind([reader], RESOURCE, shutdown_on_exit=False, **how), reader))
    return made


def points(reader: InMemoryMetricReader, delta: bool = False) -> dict[Any, Any]:
    """What a reader collects, but for times and for what has no order."""
    data = reader.get_metrics_data()
    found: dict[Any, Any] = {}
    for of_resource in data.resource_metrics if data else ():
        assert of_resource.resource == RESOURCE
        for of_scope in of_resource.scope_metrics:
            if of_scope.scope.name == semconv.SCOPE:
                continue
            for metric in of_scope.metrics:
                kind = type(metric.data).__name__
                scope = (of_scope.scope.name, of_scope.scope.version or "", repr(of_scope.scope.attributes))
                key = (scope, of_scope.schema_url, metric.name, metric.unit, metric.description, kind)
                about = (
                    getattr(metric.data, "aggregation_temporality", None),
                    getattr(metric.data, "is_monotonic", None),
                )
                given = {identity(p.attributes): numbers(p, delta) for p in metric.data.data_points}
                # the SDK has points of sums to which only 0 was added
                given = {
                    key: value for key, value in given.items() if not (delta and value == ("number", 0.0))
                }
                if given:
                    found.setdefault((key, about), []).append(given)
    return {key: sorted(given, key=repr) for key, given in found.items()}


def identity(attributes: Any) -> str:
    return repr(sorted((key, repr(value)) for key, value in (attributes or {}).items()))


def numbers(point: Any, delta: bool) -> Any:
    if hasattr(point, "bucket_counts"):
        extremes = () if delta else (point.min, point.max)
        total = round(point.sum, 6)
        return (
            point.count,
            total,
            tuple(point.bucket_counts),
            tuple(point.explicit_bounds),
            extremes,
            exemplars(point),
        )
    return ("number", round(float(point.value), 6))


def exemplars(point: Any) -> Any:
    return [(e.value, e.trace_id, e.span_id) for e in point.exemplars]


# --- the same operations ----------------------------------------------------------------------------------------

values = st.sampled_from(
    ["x", "y", 1, True, 1.0, 0, False, None, b"x", Mood.FINE, [1, 2], (1, 2), [True, 2], {"k": 1}]
)
attribute_sets = st.none() | st.dictionaries(st.sampled_from(["a", "b", "c", "", 5]), values, max_size=3)
amounts = st.integers(-3, 20) | st.sampled_from([0.25, 0.5, 1.5, 10.5, 1e6, math.nan, math.inf])
scopes = st.sampled_from([("one",), ("two", "1.0", "https://example.org", {"k": [1, 2]}), ("two",)])
sync_kinds = ["counter", "up_down_counter", "gauge", "histogram"]
names = st.sampled_from(["requests", "Requests", "size"])
units = st.sampled_from(["", "s"])
texts = st.sampled_from(["", "About."])
operations = st.lists(
    st.tuples(st.just("record"), scopes, st.sampled_from(sync_kinds), names, units, texts, amounts, attribute_sets)
    | st.tuples(
        st.just("observe"), scopes, st.sampled_from(["counter", "up_down_counter", "gauge"]), names, units, texts,
        st.lists(st.tuples(st.integers(-3, 9) | st.sampled_from([0.5, math.nan]), attribute_sets), max_size=3),
    )
    | st.tuples(st.just("collect")),
    max_size=25,
)  # fmt: skip


class Driver:
    """Does operations with one provider, and reads what they came to."""

    def __init__(self, provider: Any, reader: InMemoryMetricReader, delta: bool) -> None:
        self.provider = provider
        self.reader = reader
        self.delta = delta
        self.observed: dict[Any, list[Any]] = {}
        self.read: list[Any] = []

    def record(self, scope: Any, kind: str, *rest: Any) -> None:
        name, unit, text, amount, attributes = rest
        meter = self.provider.get_meter(*scope)
        how = {"explicit_bucket_boundaries_advisory": BOUNDS} if (kind, name) == ("histogram", "size") else {}
        instrument = getattr(meter, f"create_{kind}")(name, unit, text, **how)
        getattr(instrument, {"gauge": "set", "histogram": "record"}.get(kind, "add"))(amount, attributes)

    def observe(self, scope: Any, kind: str, *rest: Any) -> None:
        name, unit, text, observations = rest
        key = (repr(scope), kind, name.lower(), unit, text)
        if key not in self.observed:
            meter = self.provider.get_meter(*scope)
            getattr(meter, f"create_observable_{kind}")(name, [lambda _: self.take(key)], unit, text)
        self.observed[key] = observations

    def take(self, key: Any) -> Iterable[Observation]:
        return [Observation(*one) for one in self.observed[key]]

    def collect(self) -> None:
        self.read.append(points(self.reader, self.delta))


@pytest.mark.parametrize("temporality", [None, DELTA], ids=["cumulative", "delta"])
def test_readers_get_what_the_sdk_gives_them(temporality, caplog):
    caplog.set_level(logging.CRITICAL)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(operations)
    def check(made: list[tuple[Any, ...]]) -> None:
        forget_instruments()
        drivers = [Driver(*pair, temporality is not None) for pair in providers(temporality)]
        for driver in drivers:
            for what, *arguments in [*made, ("collect",)]:
                getattr(driver, what)(*arguments)
        theirs, ours = drivers
        assert ours.read == theirs.read

    check()


def forget_instruments() -> None:
    """What the fixture does between tests, between examples."""
    recorder.collectors[:] = [
        c for c in recorder.collectors if not isinstance(getattr(c, "__self__", None), metrics.Instrument)
    ]
    for key in [key for key in recorder._instruments if key[0] != recorder.scope]:
        del recorder._instruments[key]


@pytest.fixture
def both() -> Callable[..., list[Any]]:
    """Does the same with the SDK's provider and ours, and holds the results against each other; gives ours."""

    def run(act: Callable[[metrics.Meter], Any], temporality: Any = None, times: int = 1) -> list[Any]:
        results = []
        for provider, reader in providers(temporality):
            again = act(provider.get_meter("library", "1.0"))
            read = [points(reader, temporality is not None)]
            for _ in range(times - 1):
                if again is not None:
                    again()
                read.append(points(reader, temporality is not None))
            results.append(read)
        assert results[1] == results[0]
        return results[1]

    return run


def test_generator_callbacks(both):
    def generator() -> Any:
        options = yield
        assert isinstance(options, CallbackOptions)
        options = yield [Observation(1, {"a": "x"}), Observation(2, {"a": "y"})]
        yield [Observation(3, {"a": "x"})]

    first, second, third, fourth = both(
        lambda meter: meter.create_observable_gauge("g", [generator()]) and None, times=4
    )
    assert [len(points) for found in (first, second) for (points,) in found.values()] == [2, 1]
    assert not third
    assert not fourth


def test_several_callbacks_of_one_instrument(both):
    def make(meter: metrics.Meter) -> None:
        callbacks = [lambda _: [Observation(1)], lambda _: [Observation(2), Observation(4, {"a": 1})]]
        meter.create_observable_counter("c", callbacks)
        meter.create_observable_up_down_counter("u", callbacks)
        meter.create_observable_gauge("g", callbacks)

    assert both(make)


def test_a_callback_that_fails_keeps_what_it_gave_before(both, caplog):
    def failing(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"a": "kept"})
        raise RuntimeError("the database is gone")

    (found,) = both(
        lambda meter: meter.create_observable_gauge("g", [failing, lambda _: [Observation(2)]]) and None
    )
    assert [len(points) for (points,) in found.values()] == [2]
    assert [record.getMessage() for record in caplog.records] == ["Callback failed for instrument g."] * 2


@pytest.mark.parametrize("given", [None, [1], 5])
def test_a_callback_that_gives_no_observations_is_said(both, caplog, given):
    assert both(lambda meter: meter.create_observable_gauge("g", [lambda _: given]) and None) == [{}]
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2


def test_what_is_observed_no_more_is_no_longer_read(both):
    seen = [[Observation(1, {"a": "x"}), Observation(2, {"a": "y"})], [Observation(3, {"a": "y"})], []]

    def make(meter: metrics.Meter) -> None:
        mine = list(seen)
        meter.create_observable_gauge("g", [lambda _: mine.pop(0)])

    both(make, times=3)


def test_each_reader_has_its_own_deltas():
    first, second = InMemoryMetricReader(DELTA), InMemoryMetricReader(DELTA)
    cumulative = InMemoryMetricReader()
    provider = MeterProvider([first, second, cumulative], RESOURCE, shutdown_on_exit=False)
    counter = provider.get_meter("a").create_counter("c")
    counter.add(1)
    assert value_of(first, "c") == 1
    counter.add(2)
    assert (value_of(first, "c"), value_of(second, "c"), value_of(cumulative, "c")) == (2, 3, 3)
    counter.add(4)
    assert (value_of(first, "c"), value_of(second, "c"), value_of(cumulative, "c")) == (4, 4, 7)


def value_of(reader: InMemoryMetricReader, name: str) -> Any:
    data = reader.get_metrics_data()
    (found,) = [
        m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == name
    ]
    (point,) = found.data.data_points
    return point.value


def test_times_of_points():
    reader = InMemoryMetricReader(DELTA)
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
    meter = provider.get_meter("a")
    counter, gauge = meter.create_counter("c"), meter.create_gauge("g")
    intervals = []
    for _ in range(3):
        counter.add(1)
        gauge.set(1)
        data = reader.get_metrics_data()
        metric = {m.name: m for s in data.resource_metrics[0].scope_metrics for m in s.metrics}
        (point,) = metric["c"].data.data_points
        intervals.append((point.start_time_unix_nano, point.time_unix_nano))
        assert metric["g"].data.data_points[0].start_time_unix_nano is None
    assert all(start < end for start, end in intervals)
    assert [start for start, _ in intervals[1:]] == [end for _, end in intervals[:-1]]


# --- exemplars --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken_between", [False, True])
def test_exemplars_of_sampled_spans(taken_between):
    """The newest of each bucket since the reader's last look, though the tape takes them too."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    pairs = providers()
    recorders = [provider.get_meter("library").create_histogram("h") for provider, _ in pairs]
    for values in ([1, 2, 7], [8], []):
        for value in values:
            with tracer.start_as_current_span("s"):
                for histogram in recorders:
                    histogram.record(value, {"a": 1})
        if taken_between:
            recorder.take_cells()
        theirs, ours = (points(reader) for _, reader in pairs)
        assert ours == theirs
        (((_, _, _, _, _, found),),) = [list(points.values()) for given in ours.values() for points in given]
        assert [value for value, _, _ in found] == ([2, 7] if 1 in values else values)


def test_spans_that_are_not_ours_are_exemplars_when_they_are_sampled():
    pairs = providers()
    for flags, remote in ((1, True), (1, False), (0, True), (3, True)):
        span = NonRecordingSpan(SpanContext(flags + 10, 2, remote, TraceFlags(flags)))
        with trace.use_span(span):
            for provider, _ in pairs:
                provider.get_meter("library").create_histogram("h").record(flags * 20)
    theirs, ours = (points(reader) for _, reader in pairs)
    assert ours == theirs
    cells = [cell for cell in recorder.take_cells() if len(cell) == 7]
    assert [exemplar[0] for cell in cells for exemplar in cell[6]] == [20, 60]


def test_exemplars_of_a_context_that_is_given():
    pairs = providers()
    around = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1))))
    for provider, _ in pairs:
        provider.get_meter("library").create_histogram("h").record(3, {}, around)
    theirs, ours = (points(reader) for _, reader in pairs)
    assert ours == theirs
    assert "[(3, 1, 2)]" in repr(ours)


def test_no_exemplars_where_they_are_filtered(monkeypatch):
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "always_off")
    pairs = providers()
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s"):
        for provider, _ in pairs:
            provider.get_meter("library").create_histogram("h").record(3)
    theirs, ours = (points(reader) for _, reader in pairs)
    assert ours == theirs
    assert all(cell[6] is None for cell in recorder.take_cells() if len(cell) == 7)


# --- instruments ------------------------------------------------------------------------------------------------


def test_instruments_are_the_apis(installed):
    meter = metrics.get_meter("library")
    assert isinstance(metrics.get_meter_provider(), SDKMeterProvider)
    assert isinstance(meter, metrics.Meter)
    for kind, api in {
        "counter": metrics.Counter,
        "up_down_counter": metrics.UpDownCounter,
        "gauge": metrics._Gauge,
        "histogram": metrics.Histogram,
        "observable_counter": metrics.ObservableCounter,
        "observable_up_down_counter": metrics.ObservableUpDownCounter,
        "observable_gauge": metrics.ObservableGauge,
    }.items():
        made = getattr(meter, f"create_{kind}")(f"My.{kind}", unit="s", description="About.")
        assert isinstance(made, api)
        assert (made.name, made.unit, made.description) == (f"my.{kind}", "s", "About.")


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "1st"}, {"name": "é"}, {"name": "n", "unit": "x" * 64}]
)
def test_names_and_units_that_are_wrong(wrong):
    for provider, _ in providers():
        with pytest.raises(Exception, match="Expected ASCII string"):
            provider.get_meter("library").create_counter(**wrong)


def test_wrong_bucket_boundaries(caplog):
    meter = MeterProvider(shutdown_on_exit=False).get_meter("library")
    for number, wrong in enumerate(([1, "2"], 7, [2, 1], [1, 1], [1, math.inf])):
        meter.create_histogram(f"h{number}", explicit_bucket_boundaries_advisory=wrong).record(1)
    assert len(caplog.records) == 5
    assert "h2" in caplog.text


def test_an_instrument_made_again_with_other_advice(caplog):
    for provider, _ in providers():
        meter = provider.get_meter("library")
        one = meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1.5])
        assert meter.create_histogram("h", explicit_bucket_boundaries_advisory=[2.5]) is one
        assert meter.create_histogram("H") is one
    assert len([record for record in caplog.records if "has been created already" in record.message]) == 4


def test_attributes_that_are_no_mapping(both, caplog):
    assert both(lambda meter: meter.create_counter("c").add(1, ["a"]))
    assert [r.getMessage() for r in caplog.records] == [
        "Invalid type '<class 'list'>' for attributes. Expected a Mapping or None."
    ] * 2


def test_attributes_are_copied(both):
    def act(meter: metrics.Meter) -> None:
        given = {"list": [1], "k": 1}
        meter.create_counter("c").add(1, given)
        given["list"].append(2)
        given["k"] = 2

    both(act)


# --- the cap ----------------------------------------------------------------------------------------------------


def test_attribute_sets_over_the_cap_go_into_one_and_are_counted():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, cap=3)
    counter = provider.get_meter("library").create_counter("c")
    for number in range(10):
        counter.add(number, {"n": number})
    counter.add(100, {"n": 0})
    ((found,),) = points(reader).values()
    assert sorted(value for _, value in found.values()) == [1, 2, sum(range(3, 10)), 100]
    assert found[identity({"otel.metric.overflow": True})] == ("number", sum(range(3, 10)))
    capped = recorder.instrument(semconv.SELF_CAPPED).find({semconv.METRIC: "c"})
    assert capped.value == 7


def test_the_default_cap_is_the_specifications():
    """The SDK has it from 1.45.2 on; 1.45.1, which contrib pins, has none."""
    read = []
    for provider, reader in providers(None):
        counter = provider.get_meter("library", "1.0").create_counter("c")
        for number in range(2100):
            counter.add(1, {"n": number})
        read.append(points(reader))
    ((theirs,),), ((ours,),) = (found.values() for found in read)
    assert len(ours) == 2001
    assert ours[identity({"otel.metric.overflow": True})] == ("number", 100)
    assert len(theirs) == 2100 or ours == theirs


# --- the provider -----------------------------------------------------------------------------------------------


class Exporter(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.exported: list[Any] = []

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
        self.exported.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        pass


def test_a_periodic_reader_exports_at_flush_and_shutdown():
    exporter = Exporter()
    provider = MeterProvider(shutdown_on_exit=False)
    provider.add_metric_reader(PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000))
    counter = provider.get_meter("library").create_counter("c")
    counter.add(1)
    assert provider.force_flush()
    counter.add(2)
    provider.shutdown()
    values = [
        metric.data.data_points[0].value
        for data in exporter.exported
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.name == "c"
    ]
    assert values == [1, 3]


def test_after_shutdown_meters_do_nothing(caplog):
    provider = MeterProvider(shutdown_on_exit=False)
    provider.shutdown()
    assert isinstance(provider.get_meter("library"), metrics.NoOpMeter)
    assert "shutdown" in caplog.text


def test_a_meter_without_a_name_does_nothing(caplog):
    assert isinstance(MeterProvider(shutdown_on_exit=False).get_meter(""), metrics.NoOpMeter)
    assert "name" in caplog.text


def test_readers_come_and_go(caplog):
    provider = MeterProvider(shutdown_on_exit=False)
    counter = provider.get_meter("library").create_counter("c")
    counter.add(1)
    reader = InMemoryMetricReader()
    provider.add_metric_reader(reader)
    provider.add_metric_reader(reader)
    assert "registered already" in caplog.text
    assert value_of(reader, "c") == 1
    provider.remove_metric_reader(reader)
    assert reader.get_metrics_data() is None
    caplog.clear()
    provider.remove_metric_reader(reader)
    assert "not been registered" in caplog.text


def test_a_scope_has_one_meter_and_unhashable_attributes_are_fine():
    provider = MeterProvider(shutdown_on_exit=False)
    one = provider.get_meter("a", "1", None, {"k": [1]})
    assert provider.get_meter("a", "1", None, {"k": [1]}) is one
    assert provider.get_meter("a", "1", None, {"k": [2]}) is not one


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"views": [View(instrument_name="*")]}, "Views"),
        (
            {
                "metric_readers": [
                    InMemoryMetricReader(None, {Histogram: ExponentialBucketHistogramAggregation()})
                ]
            },
            "ExponentialBucketHistogramAggregation",
        ),
        (
            {
                "metric_readers": [
                    InMemoryMetricReader(None, {Histogram: ExplicitBucketHistogramAggregation([1])})
                ]
            },
            "ExplicitBucketHistogramAggregation",
        ),
    ],
)
def test_what_cells_cannot_do_is_refused_by_name(how, name):
    with pytest.raises(Unsupported, match=rf"do not support {name}.*before watch\(\)"):
        MeterProvider(shutdown_on_exit=False, **how)
