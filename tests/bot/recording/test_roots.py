"""A root span lasts from an event's receipt to the end of the last work that belongs to it."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording import roots
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, live_root
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def duration() -> Distribution:
    return recorder.define_instrument(recorder.scope, "duration", "histogram", "s", "", (0.5,)).find({})


@pytest.fixture
def root(duration: Distribution) -> Root:
    return Root("message", 4, recorder.attribute_set({"event": "message"}), duration)


def child(name: str = "child") -> Any:
    return tracing.child(name, 0, recorder.attribute_set({}))


def under(root: Root, act: Any) -> Any:
    token = context_api.attach(root.context_below())
    try:
        return act()
    finally:
        context_api.detach(token)


def taken() -> list[str]:
    return [record[5] for record in recorder.take_spans(100)]


# --- how long it lasts ------------------------------------------------------------------------------------------


def test_it_ends_when_the_last_work_is_released(root, duration):
    root.touched = True
    root.hold()
    root.hold()
    root.release()
    assert root.is_recording()
    assert not taken()
    root.hold()
    root.release()
    assert root.is_recording()
    root.release()
    assert not root.is_recording()
    assert taken() == ["message"]
    assert sum(duration.counts) == 1


def test_work_that_is_held_after_the_end_changes_nothing(root, duration):
    root.touched = True
    root.hold()
    root.release()
    root.hold()
    root.release()
    assert taken() == ["message"]
    assert sum(duration.counts) == 1


def test_work_that_never_starts_ends_it_with_the_last_reference(duration):
    root = Root("message", 4, recorder.attribute_set({}), duration)
    root.touched = True
    root.hold()
    del root
    gc.collect()
    assert taken() == ["message"]
    assert sum(duration.counts) == 1


def test_one_that_nobody_held_is_not_counted(duration):
    root = Root("message", 4, recorder.attribute_set({}), duration)
    del root
    gc.collect()
    assert not taken()
    assert sum(duration.counts) == 0


def test_it_is_not_kept_alive_by_its_own(duration):
    import weakref

    root = Root("message", 4, recorder.attribute_set({}), duration)
    root.hold()
    under(root, lambda: child().end())
    reference = weakref.ref(root)
    gc.disable()
    try:
        del root
        assert reference() is None  # by reference counts alone: at once, not when the collector comes
    finally:
        gc.enable()


def test_a_task_that_is_cancelled_before_its_first_step(duration):
    async def main() -> None:
        root = Root("message", 4, recorder.attribute_set({}), duration)
        root.touched = True
        root.hold()

        async def work(root: Root) -> None:
            root.release()

        task = asyncio.create_task(work(root))
        del root
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    gc.collect()
    assert taken() == ["message"]


def test_a_failure_at_the_end_is_no_failure_of_the_bot(duration, monkeypatch):
    class Failing(Root):
        def describe(self) -> None:
            raise RuntimeError("ours")

    monkeypatch.setattr(guard, "strict", False)
    root = Failing("message", 4, recorder.attribute_set({}), duration)
    root.touched = True
    root.hold()
    root.release()
    other = Failing("message", 4, recorder.attribute_set({}), duration)
    other.touched = True
    other.hold()
    del other
    gc.collect()
    assert guard.counts == {"root": 2}
    assert sum(duration.counts) == 2
    assert not root.is_recording()


def test_releases_from_other_threads(duration):
    made = [Root("message", 4, recorder.attribute_set({}), duration) for _ in range(200)]
    for root in made:
        root.touched = True
        for _ in range(4):
            root.hold()
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for root in made:
            root.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorder.take_spans(1000)) == 200
    assert sum(duration.counts) == 200


@pytest.mark.parametrize("deferring", [False, True])
def test_one_that_the_bot_s_own_code_ends_is_measured_and_exported_once(
    root, duration, monkeypatch, caplog, deferring
):
    monkeypatch.setattr(recorder, "deferring", deferring)
    root.hold()
    under(root, lambda: trace.get_current_span().end())
    root.release()
    assert taken() == ["message"]
    assert sum(duration.counts) == 1
    assert not caplog.messages
    root.end()
    assert caplog.messages == ["Calling end() on an ended span."]


@pytest.mark.parametrize("change", [
    lambda span: span.set_attribute("late", 1), lambda span: span.set_attributes({"late": 1}),
    lambda span: span.add_event("late"), lambda span: span.update_name("late"),
    lambda span: span.set_status(StatusCode.ERROR, "late"), lambda span: span.record_exception(ValueError("late")),
    lambda span: span.add_link(span.get_span_context(), {"late": 1}),
])  # fmt: skip
def test_what_comes_after_the_end_has_no_effect_though_it_is_not_settled(root, monkeypatch, caplog, change):
    monkeypatch.setattr(recorder, "deferring", True)
    root.touched = True
    root.hold()
    root.release()
    assert recorder.unsettled
    change(root)
    (said,) = caplog.messages
    assert "ended span" in said
    (record,) = recorder.take_spans(9)
    assert "late" not in repr(record)
    assert record[11] == 0


# --- what is exported -------------------------------------------------------------------------------------------


def finish(root: Root) -> list[str]:
    root.hold()
    root.release()
    return taken()


def test_one_under_which_nothing_happened_is_counted_not_exported(root, duration):
    under(root, lambda: None)
    assert finish(root) == []
    assert sum(duration.counts) == 1
    assert not duration.exemplars
    assert not root.exported


@pytest.mark.parametrize(
    "happens",
    [
        lambda root: under(root, lambda: child().end()),
        lambda root: under(root, lambda: trace.get_tracer("library").start_span("s").end()),
        lambda root: under(root, lambda: under_child(lambda: child("grandchild").end())),
        lambda root: root.set_status(StatusCode.ERROR),
        lambda root: root.fail(ValueError("no")),
        lambda root: setattr(root, "touched", True),
    ],
    ids=["child", "library's child", "grandchild", "status", "error", "touched"],
)
def test_one_under_which_something_happened_is_exported(root, duration, happens):
    happens(root)
    assert "message" in finish(root)
    assert root.exported
    ((_, _, trace_id, span_id),) = duration.exemplars.values()
    assert (trace_id, span_id) == (root.trace_id, root.span_id)


def under_child(act: Any) -> None:
    span = child()
    with trace.use_span(span, end_on_exit=True):
        act()


def test_all_are_exported_where_that_is_asked_for(root, monkeypatch):
    monkeypatch.setattr(roots, "keep_untouched", True)
    assert finish(root) == ["message"]


class Open(SpanProcessor):
    """Keeps what began and has not ended."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.spans.append(span)

    def on_end(self, span: Any) -> None:
        self.spans.remove(span)


def test_processors_forget_one_that_is_not_exported(duration):
    processor, exporter = Open(), InMemorySpanExporter()
    tracing.provider.add_span_processor(processor)
    tracing.provider.add_span_processor(SimpleSpanProcessor(exporter))
    root = Root("message", 4, recorder.attribute_set({}), duration)
    assert processor.spans == [root]
    assert finish(root) == []
    assert processor.spans == []
    assert not exporter.get_finished_spans()


def test_a_processor_hears_of_no_end_before_it_came(root, monkeypatch):
    monkeypatch.setattr(recorder, "deferring", True)
    root.touched = True
    root.hold()
    root.release()
    heard = InMemorySpanExporter()
    tracing.provider.add_span_processor(SimpleSpanProcessor(heard))
    assert taken() == ["message"]
    assert not heard.get_finished_spans()


# --- what belongs to it -----------------------------------------------------------------------------------------


def test_its_children_are_in_its_trace_and_nothing_else_is(root):
    outer = trace.get_tracer("host").start_span("whatever runs the bot")
    with trace.use_span(outer):
        own = Root("message", 4, recorder.attribute_set({}), root.duration)
        inner = under(own, child)
        assert trace.get_current_span() is outer
    assert own.parent is None
    assert own.trace_id != outer.trace_id
    assert inner.parent == own.get_span_context()
    assert inner.context.trace_id == own.trace_id


def test_other_context_values_are_not_the_events(root):
    token = context_api.attach(context_api.set_value("baggage of whatever runs the bot", 1))
    try:
        assert under(root, lambda: context_api.get_value("baggage of whatever runs the bot")) is None
    finally:
        context_api.detach(token)


def test_the_root_here(root):
    assert live_root() is None
    assert under(root, live_root) is root
    assert under(root, lambda: under_span(live_root)) is root
    root.hold()
    root.release()
    assert under(root, live_root) is None


def under_span(act: Any) -> Any:
    with trace.get_tracer("library").start_as_current_span("s"):
        return act()


@pytest.mark.parametrize("how", ["ours", "api"])
def test_what_starts_under_an_ended_root_is_a_trace_of_its_own_with_a_link(root, how):
    root.touched = True
    root.hold()
    root.release()
    late = under(root, child if how == "ours" else lambda: trace.get_tracer("library").start_span("late"))
    late.end()
    assert late.parent is None
    assert late.context.trace_id != root.trace_id
    (link,) = late.links
    assert link.context == root.get_span_context()
    assert dict(link.attributes) == {semconv.TASK_CAUSE: "ended_root"}


@pytest.mark.parametrize("how", ["ours", "api"])
def test_what_starts_under_an_ended_child_of_an_ended_root_too(root, how):
    span = under(root, child)
    span.end()
    root.hold()
    root.release()
    with trace.use_span(span):
        late = child() if how == "ours" else trace.get_tracer("library").start_span("late")
    late.end()
    assert late.context.trace_id != root.trace_id
    assert [link.context for link in late.links] == [root.get_span_context()]


def test_what_runs_longer_than_the_root_stays_in_its_trace(root):
    """A child that was started in time goes on, and what it starts is its child still."""
    span = under(root, child)
    root.hold()
    root.release()
    with trace.use_span(span, end_on_exit=True):
        inner = child("inner")
        inner.end()
    assert inner.parent == span.get_span_context()
    assert not inner.links
    assert taken() == ["message", "inner", "child"]


def test_it_is_read_as_any_span_is(root, readable, standing_clock):
    root.set_attribute("own", 1)
    root.hold()
    root.touched = True
    root.release()
    read = readable(root)
    assert (read["name"], read["parent"], str(read["kind"])) == ("message", None, "SpanKind.CONSUMER")
    assert read["attributes"] == [("event", "'message'"), ("own", "1")]
    assert read["end"] == standing_clock


# --- sampling ---------------------------------------------------------------------------------------------------


def test_one_that_is_not_sampled_is_counted(duration):
    tracing.use(TracerProvider(sampling.ALWAYS_OFF, shutdown_on_exit=False))
    root = Root("message", 4, recorder.attribute_set({}), duration)
    assert not root.sampled
    assert under(root, live_root) is root
    assert under(root, child) is None
    assert not under(root, trace.get_current_span).is_recording()
    root.touched = True
    assert finish(root) == []
    assert sum(duration.counts) == 1
    assert not duration.exemplars


def test_of_a_ratio_the_whole_trace_is_kept_or_not(duration):
    tracing.use(TracerProvider(sampling.ParentBased(sampling.TraceIdRatioBased(0.5)), shutdown_on_exit=False))
    kept = 0
    for _ in range(400):
        root = Root("message", 4, recorder.attribute_set({}), duration)
        span = under(root, child)
        assert (span is not None) == root.sampled
        if span is not None:
            span.end()
        names = finish(root)
        assert names in ([], ["child", "message"])
        kept += bool(names)
    assert 120 < kept < 280
    assert sum(duration.counts) == 400


def test_without_recording_it_is_still_counted(duration):
    recorder.on = False
    root = Root("message", 4, recorder.attribute_set({}), duration)
    assert under(root, child) is None
    assert finish(root) == []
    assert sum(duration.counts) == 1
