"""The host's providers are used, whether they were set before ours or are set after."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import context as context_api
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import Observation
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, TraceState

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording.metering import MeterProvider, Unsupported
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing

RESOURCE = Resource({"service.name": "bot", "host.id": 7})  # as `watcher_encodes` has it
COMMANDS = semconv.Metric("test.commands", "counter", "1", "Commands.")
DURATION = semconv.Metric("test.duration", "histogram", "s", "Durations.", (), (0.5, 1.5))
LEVEL = semconv.Metric("test.level", "gauge", "1", "A level.")


class Host:
    """An application that sets up OpenTelemetry for itself."""

    def __init__(self, sampler: Any = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = SDKTracerProvider(sampler, RESOURCE, shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = SDKMeterProvider([self.reader], shutdown_on_exit=False)

    def set(self) -> None:
        trace.set_tracer_provider(self.tracers)
        metrics.set_meter_provider(self.meters)

    @property
    def spans(self) -> Any:
        return self.exporter.get_finished_spans()

    @property
    def points(self) -> dict[tuple[str, str], Any]:
        data = self.reader.get_metrics_data()
        found = [
            (s.scope.name, m)
            for r in (data.resource_metrics if data else ())
            for s in r.scope_metrics
            for m in s.metrics
        ]
        return {
            (scope, m.name): {tuple(p.attributes.items()): p for p in m.data.data_points}
            for scope, m in found
        }


@pytest.fixture(params=["before", "after"])
def host(request: pytest.FixtureRequest) -> Host:
    """The host's providers, set before or after ours are installed."""
    made = Host()
    if request.param == "before":
        made.set()
        providers.install()
    else:
        providers.install()
        made.set()
    return made


def names_on_the_tape() -> list[str]:
    return [record[5] for record in recorder.take_spans(100)]


# --- ours alone -------------------------------------------------------------------------------------------------


def test_alone_ours_are_the_global_ones():
    providers.install(RESOURCE)
    assert isinstance(trace.get_tracer_provider(), TracerProvider)
    assert isinstance(metrics.get_meter_provider(), MeterProvider)
    assert trace.get_tracer_provider().resource is RESOURCE
    before = trace.get_tracer_provider(), metrics.get_meter_provider()
    providers.install()
    assert (trace.get_tracer_provider(), metrics.get_meter_provider()) == before


def test_what_a_dot_env_file_says_counts_though_it_is_read_later(monkeypatch):
    providers.install()
    tracer = trace.get_tracer("library")
    tracer.start_span("before").end()
    monkeypatch.setenv("PERFORMANCE_SAMPLING_RATE", "0")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "told-later")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
    providers.look_again()
    tracer.start_span("after").end()
    assert tracing.child("ours", 0, recorder.attribute_set({})) is None
    assert names_on_the_tape() == ["before"]
    assert trace.get_tracer_provider().resource.attributes["service.name"] == "told-later"
    assert recorder.limits.max_span_attributes == 1
    monkeypatch.delenv("PERFORMANCE_SAMPLING_RATE")
    providers.look_again()
    tracer.start_span("again").end()
    assert tracing.plain
    assert names_on_the_tape() == ["again"]


def test_the_resource_that_code_gave_stays(monkeypatch):
    providers.install(RESOURCE)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "told-later")
    providers.look_again()
    assert trace.get_tracer_provider().resource is RESOURCE


def test_which_signals_are_the_host_s_is_known():
    providers.install()
    assert providers.hosted == ()
    trace.set_tracer_provider(SDKTracerProvider(shutdown_on_exit=False))
    assert providers.hosted == ("spans",)
    metrics.set_meter_provider(SDKMeterProvider(shutdown_on_exit=False))
    assert providers.hosted == ("spans", "metrics")


def test_tracers_and_meters_made_before_ours_record_too():
    tracer, meter = trace.get_tracer("early"), metrics.get_meter("early")
    counter = meter.create_counter("early.count")
    gauge = meter.create_observable_gauge("early.level", [lambda _: [Observation(3)]])
    assert gauge is not None
    tracer.start_span("lost").end()
    counter.add(1)
    providers.install()
    tracer.start_span("kept").end()
    counter.add(2)
    recorder.collect()
    assert names_on_the_tape() == ["kept"]
    assert [cell.value for i in recorder.instruments if i.name.startswith("early") for cell in i] == [2, 3]


@pytest.mark.parametrize("name", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"])
def test_a_configuration_file_is_refused_by_name(monkeypatch, name):
    monkeypatch.setenv(name, "otel.yaml")
    with pytest.raises(Unsupported, match=name):
        providers.install()
    assert providers.tracer_provider is None
    Host().set()
    providers.install()


def test_providers_that_the_environment_names_are_the_hosts(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    monkeypatch.setenv("OTEL_PYTHON_METER_PROVIDER", "sdk_meter_provider")
    providers.install()
    assert type(trace.get_tracer_provider()) is SDKTracerProvider
    assert type(metrics.get_meter_provider()) is SDKMeterProvider
    tracing.child("ours", 0, recorder.attribute_set({})).end()
    assert names_on_the_tape() == ["ours"]


# --- a host's tracer provider -----------------------------------------------------------------------------------


def test_the_hosts_provider_wins_and_is_not_refused(host: Host, caplog):
    assert trace.get_tracer_provider() is host.tracers
    assert metrics.get_meter_provider() is host.meters
    assert not caplog.records


def test_a_second_host_is_refused_as_by_the_api(host: Host, caplog):
    Host().set()
    assert trace.get_tracer_provider() is host.tracers
    assert metrics.get_meter_provider() is host.meters
    assert len(caplog.records) == 2


def test_spans_go_to_the_hosts_exporter_and_to_the_tape(host: Host, watcher_encodes):
    with trace.get_tracer("library", "1.0").start_as_current_span("outer", attributes={"a": [1, 2]}) as outer:
        outer.add_event("e", {"k": 1})
        outer.add_link(SpanContext(1, 2, True, TraceFlags(1), TraceState([("a", "b")])), {"k": 1})
        child = tracing.child("ours", 2, recorder.attribute_set({"static": "s"}))
        child.set_attribute("own", 1)
        child.add_event("mine", {"k": 2})
        child.add_link(SpanContext(3, 4, False), {"l": 1})
        child.set_status(StatusCode.ERROR, "why")
        child.update_name("renamed")
        child.end()
    assert [span.name for span in host.spans] == ["renamed", "outer"]
    ours, theirs = host.spans
    assert dict(ours.attributes) == {"static": "s", "own": 1}
    assert [event.name for event in ours.events] == ["mine"]
    assert [link.context.trace_id for link in ours.links] == [3]
    assert (ours.status.status_code, ours.status.description) == (StatusCode.ERROR, "why")
    assert ours.parent.span_id == theirs.context.span_id
    assert ours.instrumentation_scope.name == semconv.SCOPE
    on_the_tape = ExportTraceServiceRequest.FromString(watcher_encodes())
    assert on_the_tape.SerializeToString(deterministic=True) == encode_spans(host.spans).SerializeToString(
        deterministic=True
    )


def test_roots_of_ours_are_the_hosts_roots(host: Host):
    duration = recorder.instrument(DURATION).find({})
    with trace.get_tracer("host").start_as_current_span("whatever runs the bot"):
        root = Root("message", 4, recorder.attribute_set({"event": "message"}), duration)
    token = context_api.attach(root.context_below())
    assert trace.get_current_span().get_span_context().span_id == root.span_id
    child = tracing.child("command", 0, recorder.attribute_set({}))
    child.end()
    trace.get_tracer("library").start_span("query").end()
    context_api.detach(token)
    root.hold()
    root.release()
    spans = {span.name: span for span in host.spans}
    assert spans["message"].parent is None
    assert spans["message"].context.trace_id == root.trace_id
    assert spans["command"].parent.span_id == spans["query"].parent.span_id == root.span_id
    assert dict(spans["message"].attributes) == {"event": "message"}
    assert sorted(names_on_the_tape()) == sorted(spans)
    assert [cell[6][0][2:] for cell in recorder.take_cells() if cell[0] == duration.number] == [
        (root.trace_id, root.span_id)
    ]


def test_a_root_under_which_only_a_library_worked_is_exported(host: Host):
    root = Root("message", 4, recorder.attribute_set({}), recorder.instrument(DURATION).find({}))
    root.hold()

    token = context_api.attach(root.context_below())
    trace.get_tracer("library").start_span("query").end()
    context_api.detach(token)
    root.release()
    assert sorted(span.name for span in host.spans) == ["message", "query"]


def test_the_hosts_sampler_decides(monkeypatch):
    host = Host(sampling.ALWAYS_OFF)
    host.set()
    providers.install()
    root = Root("message", 4, recorder.attribute_set({}), recorder.instrument(DURATION).find({}))
    assert not root.under.is_recording()
    child = tracing.child("child", 0, recorder.attribute_set({}))
    if child is not None:
        child.end()
    root.hold()
    root.release()
    assert not host.spans
    assert not names_on_the_tape()


def test_tracers_that_others_have_hand_over():
    early = trace.get_tracer("early")
    providers.install()
    mine, unused = trace.get_tracer("mine"), trace.get_tracer("unused")
    early.start_span("to us").end()
    mine.start_span("to us").end()
    running = mine.start_span("began with us")
    host = Host()
    host.set()
    for tracer in (early, mine, unused):
        with tracer.start_as_current_span("to the host", attributes={"a": 1}):
            pass
    running.end()
    assert [span.instrumentation_scope.name for span in host.spans] == ["early", "mine", "unused"]
    assert names_on_the_tape() == [
        "to us",
        "to us",
        "to the host",
        "to the host",
        "to the host",
        "began with us",
    ]


def test_a_hosts_provider_that_takes_no_processors(caplog):
    class Plain(trace.TracerProvider):
        def __init__(self) -> None:
            self.inner = Host()

        def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
            return self.inner.tracers.get_tracer(*args, **kwargs)

    plain = Plain()
    trace.set_tracer_provider(plain)
    providers.install()
    tracing.child("ours", 0, recorder.attribute_set({})).end()
    assert [span.name for span in plain.inner.spans] == ["ours"]
    assert not names_on_the_tape()


def test_a_hosts_noop_provider_means_no_spans():
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    providers.install()
    root = Root("message", 4, recorder.attribute_set({}), recorder.instrument(DURATION).find({}))
    child = tracing.child("ours", 0, recorder.attribute_set({}))
    if child is not None:
        child.end()
    root.hold()
    root.release()
    assert not names_on_the_tape()


def test_a_host_that_fails_does_not_fail_its_own_setup(monkeypatch, caplog):
    monkeypatch.setattr(guard, "strict", False)

    class Broken(SDKTracerProvider):
        def add_span_processor(self, span_processor: Any) -> None:
            raise RuntimeError("no room")

    class BrokenMeters(SDKMeterProvider):
        def get_meter(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("no room")

    providers.install()
    trace.set_tracer_provider(Broken(shutdown_on_exit=False))
    metrics.set_meter_provider(BrokenMeters(shutdown_on_exit=False))
    assert type(trace.get_tracer_provider()) is Broken
    assert {"the host's tracer provider", "the host's meter provider"} <= set(guard.counts)


def test_ids_are_hashed_for_the_host_and_whole_on_the_tape(host: Host):
    recorder_ids.show = lambda value: f"hash of {value}"
    child = tracing.child("ours", 0, recorder.attribute_set({}))
    child.set_attribute(semconv.USER_ID, 42)
    child.end()
    assert dict(host.spans[0].attributes) == {semconv.USER_ID: "hash of 42"}
    (record,) = recorder.take_spans(9)
    assert record[10] == {semconv.USER_ID: 42}  # the watcher hashes it, once


def test_a_name_that_the_bot_gives_the_hosts_span_is_kept(host: Host):
    renamed = tracing.child("ours", 0, recorder.attribute_set({}))
    renamed.visible.update_name("the bot's own")
    renamed.end()
    decided_late = tracing.child("ours", 0, recorder.attribute_set({}))
    decided_late.title = "ours, as it turned out"
    decided_late.end()
    assert [span.name for span in host.spans] == ["the bot's own", "ours, as it turned out"]


def test_a_link_or_state_from_the_host_is_our_childs_too(host: Host):
    remote = SpanContext(5, 6, True, TraceFlags(1), TraceState([("a", "b")]))
    with trace.use_span(NonRecordingSpan(remote)):
        child = tracing.child("ours", 0, recorder.attribute_set({}))
    assert child.get_span_context().trace_id == 5
    assert dict(child.get_span_context().trace_state) == {"a": "b"}
    child.end()
    assert host.spans[0].parent == remote


# --- a host's meter provider ------------------------------------------------------------------------------------


def test_each_point_goes_to_the_cell_and_to_the_hosts_instrument(host: Host):
    counter = recorder.instrument(COMMANDS).find({"command": "ping"})
    level = recorder.instrument(LEVEL).find({})
    duration = recorder.instrument(DURATION).find({})
    counter.add(2)
    counter.add(1)
    level.set(7)
    level.set(5)
    duration.record(1.0)
    duration.record(9.0)
    assert (counter.value, level.value, duration.counts) == (3, 5, [0, 1, 1])
    points = host.points
    assert points[semconv.SCOPE, "test.commands"][("command", "ping"),].value == 3
    assert points[semconv.SCOPE, "test.level"][()].value == 5
    point = points[semconv.SCOPE, "test.duration"][()]
    assert (point.bucket_counts, point.explicit_bounds, point.sum) == ((0, 1, 1), (0.5, 1.5), 10.0)


def test_what_stands_when_the_host_comes_is_the_hosts_too():
    """A level or a depth isn't counted from zero."""
    providers.install(RESOURCE)
    depth = recorder.define_instrument(recorder.scope, "test.depth", "updowncounter", "", "").find({})
    level = recorder.instrument(LEVEL).find({})
    counter = recorder.instrument(COMMANDS).find({"command": "before"})
    depth.add(500)
    level.set(7)
    counter.add(3)
    host = Host()
    host.set()
    depth.add(10)
    counter.add(1)
    points = host.points
    assert points[semconv.SCOPE, "test.depth"][()].value == 510
    assert points[semconv.SCOPE, "test.level"][()].value == 7
    assert points[semconv.SCOPE, "test.commands"][("command", "before"),].value == 1, "counted since then"


def test_a_sum_that_is_set_moves_the_hosts_sum(host: Host):
    counter = recorder.instrument(COMMANDS).find({"command": "total"})
    for value in (5, 5, 12):
        counter.set(value)
    assert host.points[semconv.SCOPE, "test.commands"][("command", "total"),].value == 12


def test_gauges_are_read_when_the_host_collects(host: Host):
    level = recorder.instrument(LEVEL).find({})

    def read() -> None:
        level.set(level.value + 1)

    recorder.collectors.append(read)
    try:
        assert host.points[semconv.SCOPE, "test.level"][()].value == 1
        assert host.points[semconv.SCOPE, "test.level"][()].value == 2
    finally:
        recorder.collectors.remove(read)


def test_counting_ourselves_reaches_the_host_too(host: Host):
    tracing.child("ours", 0, recorder.attribute_set({})).end()
    recorder.take_cells()
    recorder.take_cells()
    assert host.points[semconv.SCOPE, semconv.SELF_RECORDED.name][(semconv.SIGNAL, "spans"),].value == 1


def test_meters_that_others_have_go_on_and_reach_the_host_in_their_own_scope():
    providers.install()
    meter = metrics.get_meter("mine", "2.0", None, "https://example.org", {"k": 1})
    counter, histogram = meter.create_counter("mine.count"), meter.create_histogram("mine.size")
    meter.create_observable_counter("mine.total", [lambda _: [Observation(10, {"a": 1})]])
    counter.add(1, {"a": 1})
    host = Host()
    host.set()
    counter.add(2, {"a": 1})
    histogram.record(3)
    meter.create_up_down_counter("mine.later").add(-1)
    points = host.points
    assert points["mine", "mine.count"][("a", 1),].value == 2
    assert points["mine", "mine.size"][()].sum == 3
    assert points["mine", "mine.later"][()].value == -1
    assert points["mine", "mine.total"][("a", 1),].value == 10
    assert host.points["mine", "mine.total"][("a", 1),].value == 10
    values = {
        i.name: [getattr(c, "value", None) for c in i]
        for i in recorder.instruments
        if i.name.startswith("mine")
    }
    assert values["mine.count"] == [3]


def test_a_proxy_meters_instruments_go_to_the_host():
    counter = metrics.get_meter("early").create_counter("early.count")
    providers.install()
    counter.add(1)
    host = Host()
    host.set()
    counter.add(2)
    assert host.points["early", "early.count"][()].value == 2
