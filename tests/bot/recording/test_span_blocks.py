"""Spans as `with` blocks and decorators, with exceptions inside and late calls, beside the SDK's."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, StatusCode

from whisperwatch.bot.recording.recorder import recorder


@pytest.fixture
def compare(twins, readable, standing_clock):
    """Does the same with both tracers, the clocks standing, and holds the spans that came out against each other."""

    def check(act: Any, **how: Any) -> tuple[ReadableSpan, ...]:
        pair = twins(**how)
        pair.both(act)
        theirs, ours = ([normal(readable(span)) for span in side.finished] for side in (pair.sdk, pair.ours))
        assert ours == theirs
        assert pair.ours.said == pair.sdk.said
        return pair.ours.finished

    return check


def normal(read: dict[str, Any]) -> dict[str, Any]:
    """Without the stack frames of the SDK's `with` block, which is made of generators, as ours is not."""
    events = [
        (name, at, [(key, _outside_the_api(value)) for key, value in attributes], dropped)
        for name, at, attributes, dropped in read["events"]
    ]
    return {**read, "events": events, "json": None}


def _outside_the_api(text: str) -> str:
    kept, inside = [], False
    for line in text.split(r"\n"):
        inside = "opentelemetry" in line if line.startswith("  File ") else inside and line.startswith("    ")
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def test_a_block_makes_its_span_current_and_ends_it(compare):
    def act(tracer: Any) -> None:
        with tracer.start_as_current_span("outer", attributes={"a": 1}) as outer:
            assert trace.get_current_span() is outer
            with tracer.start_as_current_span("inner") as inner:
                assert trace.get_current_span() is inner
                assert inner.parent == outer.get_span_context()
        assert trace.get_current_span() is trace.INVALID_SPAN

    inner, outer = compare(act)
    assert inner.parent.span_id == outer.context.span_id
    assert inner.context.trace_id == outer.context.trace_id


def failing(tracer: Any, error: BaseException, **how: Any) -> None:
    with pytest.raises(type(error)), tracer.start_as_current_span("fails", **how):
        raise error


@pytest.mark.parametrize("record_exception", [True, False])
@pytest.mark.parametrize("set_status_on_exception", [True, False])
def test_an_exception_in_a_block(compare, record_exception, set_status_on_exception):
    how = {"record_exception": record_exception, "set_status_on_exception": set_status_on_exception}
    (span,) = compare(lambda tracer: failing(tracer, ValueError("no"), **how))
    assert len(span.events) == record_exception
    for event in span.events:
        assert __file__ in event.attributes["exception.stacktrace"]
        assert event.attributes["exception.stacktrace"].endswith("ValueError: no\n")
    assert (span.status.status_code is StatusCode.ERROR) == set_status_on_exception


def test_what_is_no_error_is_not_recorded(compare):
    (span,) = compare(lambda tracer: failing(tracer, SystemExit(3)))
    assert not span.events


def test_a_status_that_was_set_before_the_exception(compare):
    def work(tracer: Any) -> None:
        with tracer.start_as_current_span("fails") as span:
            span.set_status(StatusCode.OK)
            raise KeyError("k")

    def act(tracer: Any) -> None:
        with pytest.raises(KeyError):
            work(tracer)

    (span,) = compare(act)
    assert span.status.status_code is StatusCode.OK


def test_a_block_that_does_not_end_its_span(compare):
    def act(tracer: Any) -> None:
        with tracer.start_as_current_span("late", end_on_exit=False) as span:
            pass
        assert span.is_recording()
        span.set_attribute("after", True)
        span.end()

    compare(act)


@pytest.mark.parametrize("how", [{}, {"record_exception": False}, {"set_status_on_exception": False}])
def test_a_span_as_its_own_context_manager(compare, how):
    def act(tracer: Any) -> None:
        with pytest.raises(ZeroDivisionError), tracer.start_span("own", **how):
            raise ZeroDivisionError("none")
        with tracer.start_span("fine", **how) as span:
            assert trace.get_current_span() is not span

    compare(act)


def test_decorators(compare):
    def act(tracer: Any) -> None:
        @tracer.start_as_current_span("decorated")
        def work(value: int) -> tuple[Span, int]:
            return trace.get_current_span(), value

        first, second = work(1), work(2)
        assert first[0] is not second[0]
        assert (first[1], second[1]) == (1, 2)

    assert [span.name for span in compare(act)] == ["decorated", "decorated"]


async def test_decorated_coroutines(twins):
    pair = twins()

    @pair.ours.tracer.start_as_current_span("decorated")
    async def work() -> Span:
        return trace.get_current_span()

    current = await work()
    assert [span.context for span in pair.ours.finished] == [current.get_span_context()]


def test_use_after_the_end_is_ignored_and_said(compare):
    def act(tracer: Any) -> None:
        span = tracer.start_span("ended")
        span.set_attribute("a", 1)
        span.end()
        span.set_attribute("a", 2)
        span.set_attributes({"b": 1})
        span.add_event("late")
        span.add_link(span.get_span_context())
        span.update_name("other")
        span.set_status(StatusCode.ERROR)
        span.record_exception(ValueError("late"))
        span.end()
        assert not span.is_recording()

    (span,) = compare(act)
    assert (span.name, dict(span.attributes)) == ("ended", {"a": 1})


def test_what_is_on_the_tape_does_not_change_after_the_end(twins):
    span = twins().ours.tracer.start_span("a", attributes={"k": 1})
    span.add_event("e", {"k": 1})
    span.end()
    (before,) = [repr(record) for record in recorder.spans]
    for change in (
        lambda: span.set_attribute("k", 2),
        lambda: span.set_attributes({"k": 2}),
        lambda: span.add_event("e"),
        lambda: span.set_status(StatusCode.ERROR),
    ):
        change()
    assert [repr(record) for record in recorder.take_spans(9)] == [before]


def test_a_status_that_is_none(compare):
    def act(tracer: Any) -> None:
        with tracer.start_span("a") as span:
            span.set_status("error")
            span.set_status(None)

    (span,) = compare(act)
    assert span.status.status_code is StatusCode.UNSET


def test_attributes_are_copied_when_they_are_given(compare):
    def act(tracer: Any) -> None:
        given = {"list": [1, 2], "k": 1}
        span = tracer.start_span("a", attributes=given)
        span.add_event("e", given)
        span.set_attributes(given)
        given["list"].append(3)
        given["k"] = 2
        span.end()

    (span,) = compare(act)
    assert dict(span.attributes) == {"list": (1, 2), "k": 1}


def test_what_a_reader_gets_is_read_only(twins):
    span = twins().ours.tracer.start_span("a", attributes={"k": 1})
    with pytest.raises(TypeError):
        span.attributes["k"] = 2
    assert isinstance(span.events, tuple)
    assert isinstance(span.links, tuple)
    span.end()


def test_times_between_start_and_end_are_wall_time(twins):
    import time

    pair = twins()
    before = time.time_ns()
    with pair.ours.tracer.start_span("a") as span:
        span.add_event("e")
    after = time.time_ns()
    (span,) = pair.ours.finished
    slack = 5_000_000  # the clock follows the wall clock when it has drifted by more
    assert before - slack <= span.start_time <= span.events[0].timestamp <= span.end_time <= after + slack
