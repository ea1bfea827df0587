"""Who is asked before a span is made, and who is told of it: samplers, id generators, processors."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    sampling,
)
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from whisperwatch.bot.recording.metering import MeterProvider
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing


class Deciding(sampling.Sampler):
    """Decides by the span's name; adds an attribute and a trace state, as samplers may."""

    def should_sample(
        self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None
    ):
        decision = (
            sampling.Decision[name]
            if name in sampling.Decision.__members__
            else sampling.Decision.RECORD_AND_SAMPLE
        )
        return sampling.SamplingResult(
            decision,
            {**(attributes or {}), "sampled.by": "us", "kind": str(kind)},
            TraceState([("rate", "7")]),
        )

    def get_description(self) -> str:
        return "Deciding"


SAMPLERS = [
    sampling.ALWAYS_ON,
    sampling.ALWAYS_OFF,
    sampling.DEFAULT_ON,
    sampling.DEFAULT_OFF,
    sampling.TraceIdRatioBased(0.5),
    sampling.ParentBased(sampling.TraceIdRatioBased(0.5)),
    sampling.AlwaysRecordSampler(sampling.ALWAYS_OFF),
    sampling.AlwaysRecordSampler(sampling.ParentBased(sampling.TraceIdRatioBased(0.5))),
    Deciding(),
]
PARENTS = [None] + [
    NonRecordingSpan(SpanContext(trace_id, 7, remote, TraceFlags(flags), TraceState([("from", "far")])))
    for trace_id in (5, 2**128 - 5)
    for remote in (True, False)
    for flags in (0, 1, 2, 3, 0xFF)
]
NAMES = ["DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE", "any"]


@pytest.mark.parametrize("random", [True, False])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description())
def test_every_sampler_decides_as_with_the_sdk(twins, readable, sequential_ids, sampler, random):
    pair = twins(sampler, ids=lambda: sequential_ids(random))

    def act(tracer: Any) -> list[Any]:
        seen = []
        for parent in PARENTS:
            for name in NAMES:
                around = (
                    trace.set_span_in_context(parent)
                    if parent
                    else trace.set_span_in_context(trace.INVALID_SPAN)
                )
                how = {"kind": SpanKind.CLIENT, "attributes": {"a": 1}, "start_time": 1}
                span = tracer.start_span(name, around, **how)
                child = tracer.start_span("child of " + name, trace.set_span_in_context(span), start_time=1)
                for one in (child, span):
                    one.end(2)
                    seen.append(
                        (one.is_recording(), type(one) is NonRecordingSpan, repr(one.get_span_context()))
                    )
        return seen

    theirs, ours = pair.both(act)
    assert ours == theirs
    assert [readable(span) for span in pair.ours.finished] == [readable(span) for span in pair.sdk.finished]


def test_only_what_is_sampled_goes_on_the_tape(twins):
    tracer = twins(Deciding()).ours.tracer
    for name in NAMES:
        tracer.start_span(name).end()
    assert [record[5] for record in recorder.take_spans(9)] == ["RECORD_AND_SAMPLE", "any"]


def test_the_sampler_is_given_what_the_sdk_gives_it(twins):
    asked: list[Any] = []

    class Asked(Deciding):
        def should_sample(self, *args: Any, **kwargs: Any) -> Any:
            asked.append((args, kwargs))
            return super().should_sample(*args, **kwargs)

    twins(Asked()).both(lambda tracer: tracer.start_span("a", None, SpanKind.SERVER, {"k": 1}, ()))
    assert asked[0] == asked[1]


# --- which sampler --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": "0.25"}, sampling.ParentBased(sampling.TraceIdRatioBased(0.25))),
        ({"PERFORMANCE_SAMPLING_RATE": "0"}, sampling.ParentBased(sampling.TraceIdRatioBased(0.0))),
        ({"PERFORMANCE_SAMPLING_RATE": "1.0"}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": " 0.5 "}, sampling.ParentBased(sampling.TraceIdRatioBased(0.5))),
        ({"PERFORMANCE_SAMPLING_RATE": "often"}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": "-1"}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": "nan"}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": "7"}, sampling.DEFAULT_ON),
        ({"PERFORMANCE_SAMPLING_RATE": "0.25", "OTEL_TRACES_SAMPLER": "always_off"}, sampling.ALWAYS_OFF),
        (
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
            sampling.TraceIdRatioBased(0.5),
        ),
    ],
)
def test_the_sampler_that_the_environment_asks_for(monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert TracerProvider(shutdown_on_exit=False).sampler.get_description() == expected.get_description()


def test_a_sampler_that_is_given_wins(monkeypatch):
    monkeypatch.setenv("PERFORMANCE_SAMPLING_RATE", "0")
    assert TracerProvider(sampling.ALWAYS_ON, shutdown_on_exit=False).sampler is sampling.ALWAYS_ON


# --- limits from the environment ------------------------------------------------------------------------------


def test_limits_from_the_environment(monkeypatch):
    for name, value in {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "1",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "1",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4",
    }.items():
        monkeypatch.setenv(name, value)
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("a").start_span("a")
    for number in range(3):
        span.set_attribute(f"k{number}", "long text")
        span.add_event(f"e{number}", {"a": "long text", "b": "long text"})
        span.add_link(SpanContext(1, 2 + number, False), {"a": "long text", "b": "long text"})
    span.end()
    assert dict(span.attributes) == {"k1": "long", "k2": "long"}
    assert [(event.name, dict(event.attributes), event.dropped_attributes) for event in span.events] == [
        ("e2", {"b": "lon"}, 1)
    ]
    assert [
        (link.context.span_id, dict(link.attributes), link.dropped_attributes) for link in span.links
    ] == [(4, {"b": "lon"}, 1)]
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (1, 2, 2)


# --- our own instrumentation's shorter way ----------------------------------------------------------------------


class Own:
    """A provider in place for our own instrumentation."""

    def __init__(self, **how: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **how)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        tracing.use(self.provider)
        self.static = recorder.attribute_set({"a": 1})

    def root(self, name: str = "root") -> Root:
        return Root(
            name,
            4,
            self.static,
            recorder.define_instrument(recorder.scope, "d", "histogram", "s", "").find({}),
        )


def test_a_sampler_adds_to_our_own_spans_too():
    own = Own(sampler=Deciding())
    child = tracing.child("child", 2, own.static)
    child.end()
    root = own.root()
    root.touched = True
    root.finish()
    for span, kind in zip(
        own.exporter.get_finished_spans(), ("SpanKind.CLIENT", "SpanKind.CONSUMER"), strict=True
    ):
        assert dict(span.attributes) == {"a": 1, "sampled.by": "us", "kind": kind}
        assert dict(span.context.trace_state) == {"rate": "7"}
    assert [(record[9], record[10]["sampled.by"]) for record in recorder.take_spans(9)] == [
        (own.static[0], "us")
    ] * 2


def test_our_own_spans_that_are_dropped_or_recorded_only():
    own = Own(sampler=Deciding())
    told = Told()
    own.provider.add_span_processor(told)
    assert tracing.child("DROP", 0, own.static) is None
    assert not own.root("DROP").sampled
    tracing.child("RECORD_ONLY", 0, own.static).end()
    root = own.root("RECORD_ONLY")
    assert root.under is root
    root.touched = True
    root.finish()
    assert [(what, span.context.trace_flags.sampled) for what, span, *_ in told.events if what == "end"] == [
        ("end", False), ("end", False),
    ]  # fmt: skip
    assert not recorder.take_spans(9)


def test_under_a_root_that_is_not_sampled_nothing_is():
    own = Own(sampler=sampling.DEFAULT_OFF)
    root = own.root()
    assert not root.under.is_recording()
    assert root.under.get_span_context().trace_id == root.trace_id
    with trace.use_span(root.under):
        assert tracing.child("child", 0, own.static) is None
        assert not own.provider.get_tracer("library").start_span("other").is_recording()
    root.finish()
    assert not recorder.take_spans(9)


@pytest.mark.parametrize("random", [True, False])
def test_an_id_generator_of_the_hosts_makes_our_own_ids(sequential_ids, random):
    own = Own(id_generator=sequential_ids(random))
    root = own.root()
    with trace.use_span(root.under):
        child = tracing.child("child", 0, own.static)
    assert (root.trace_id, root.span_id, child.span_id) == (0xABC << 64 | 1, 2, 3)
    assert root.get_span_context().trace_flags == child.get_span_context().trace_flags == (3 if random else 1)


def test_a_child_has_its_parents_trace_flags_and_state():
    own = Own()
    remote = SpanContext(1, 2, True, TraceFlags(1), TraceState([("a", "b")]))
    with trace.use_span(NonRecordingSpan(remote)):
        child = tracing.child("child", 0, own.static)
    assert child.parent == remote
    with trace.use_span(child):
        grandchild = tracing.child("grandchild", 0, own.static)
    for span in (child, grandchild):
        assert span.context.trace_id == 1
        assert span.context.trace_flags == 1
        assert dict(span.context.trace_state) == {"a": "b"}
    assert grandchild.parent == child.context


# --- processors -----------------------------------------------------------------------------------------------


class Told(SpanProcessor):
    """Notes what it is told, and what it can read then."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def on_start(self, span, parent_context=None) -> None:
        span.set_attribute("seen", True)
        self.events.append(("start", span, span.is_recording(), parent_context))

    def _on_ending(self, span) -> None:
        self.events.append(("ending", span, span.is_recording(), None))

    def on_end(self, span) -> None:
        self.events.append(("end", span, span.end_time is not None, None))


MULTIPLE = [SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor]


@pytest.mark.parametrize("multiple", MULTIPLE)
@pytest.mark.parametrize("when", ["before", "after", "in the multiple"])
def test_processors_are_told_with_our_span(multiple, when):
    many = multiple()
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=many)
    told = [Told(), Told()]
    if when == "before":
        for one in told:
            provider.add_span_processor(one)
    tracer = provider.get_tracer("a")
    if when == "after":
        for one in told:
            provider.add_span_processor(one)
    elif when == "in the multiple":
        for one in told:
            many.add_span_processor(one)
    around = trace.set_span_in_context(trace.INVALID_SPAN)
    span = tracer.start_span("a", around)
    span.end()
    assert isinstance(span, Span)
    for one in told:
        assert one.events == [
            ("start", span, True, around), ("ending", span, False, None), ("end", span, True, None),
        ]  # fmt: skip
    assert span.attributes["seen"] is True
    provider.shutdown()


def test_a_processor_sees_our_own_spans_too():
    own = Own()
    told = Told()
    own.provider.add_span_processor(told)
    root = own.root()
    with trace.use_span(root.under):
        tracing.child("child", 0, own.static).end()
    root.finish()
    assert [(what, span.name) for what, span, *_ in told.events] == [
        ("start", "root"), ("start", "child"),
        ("ending", "child"), ("end", "child"), ("ending", "root"), ("end", "root"),
    ]  # fmt: skip


def test_spans_that_end_under_a_batch_processor_are_exported():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("a")
    with tracer.start_as_current_span("a"), tracer.start_as_current_span("b"):
        pass
    assert provider.force_flush()
    assert [span.name for span in exporter.get_finished_spans()] == ["b", "a"]
    provider.shutdown()


def test_without_a_processor_nothing_is_called(monkeypatch):
    def called(*_: Any, **__: Any) -> None:
        raise AssertionError("a processor was called")

    provider = TracerProvider(shutdown_on_exit=False)
    for name in ("on_start", "_on_ending", "on_end"):
        monkeypatch.setattr(SynchronousMultiSpanProcessor, name, called)
    with provider.get_tracer("a").start_as_current_span("a"):
        pass
    assert recorder.waiting == 1


def test_a_span_that_runs_while_a_processor_is_added_is_told_at_its_end():
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("a").start_span("a")
    told = Told()
    provider.add_span_processor(told)
    span.end()
    assert [what for what, *_ in told.events] == ["ending", "end"]


def test_force_flush_asks_the_tape_too(monkeypatch: pytest.MonkeyPatch):
    asked: list[float] = []
    monkeypatch.setattr(
        recorder, "flush_tape", lambda timeout_ms: asked.append(timeout_ms) or len(asked) == 1
    )
    provider = TracerProvider(shutdown_on_exit=False)
    assert provider.force_flush(10)
    assert not provider.force_flush(20)
    assert not MeterProvider(shutdown_on_exit=False).force_flush(30)
    assert asked == [10, 20, 30]


# --- tracers --------------------------------------------------------------------------------------------------


def test_providers_and_tracers_are_the_sdks():
    provider = TracerProvider(shutdown_on_exit=False)
    assert isinstance(provider, SDKTracerProvider)
    assert isinstance(provider.get_tracer("a"), trace.Tracer)
    assert isinstance(provider.get_tracer("a").start_span("s"), trace.Span)


def test_a_scope_has_one_tracer():
    provider = TracerProvider(shutdown_on_exit=False)
    one = provider.get_tracer("a", "1", "https://x", {"list": [1]})
    assert provider.get_tracer("a", "1", "https://x", {"list": [1]}) is one
    others = [
        provider.get_tracer(*scope)
        for scope in (
            ("b",),
            ("a",),
            ("a", "2"),
            ("a", "1", "https://y"),
            ("a", "1", "https://x", {"list": [2]}),
        )
    ]
    assert len({id(tracer) for tracer in [one, *others]}) == 6


def test_a_tracer_without_a_name_is_said(caplog):
    assert TracerProvider(shutdown_on_exit=False).get_tracer(None) is not None
    assert "missing module name" in caplog.text


def test_disabled_by_the_environment(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert isinstance(TracerProvider(shutdown_on_exit=False).get_tracer("a"), trace.NoOpTracer)


def test_a_resource_that_changes_reaches_the_tracers():
    from opentelemetry.sdk.resources import Resource

    provider = TracerProvider(resource=Resource({"a": 1}), shutdown_on_exit=False)
    tracer = provider.get_tracer("a")
    provider._update_resource(Resource({"b": 2}))
    assert dict(tracer.start_span("s").resource.attributes) == {"a": 1, "b": 2}


def test_tracers_are_made_by_many_threads():
    provider = TracerProvider(shutdown_on_exit=False)
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(provider.get_tracer("same"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(tracer) for tracer in made}) == 1
