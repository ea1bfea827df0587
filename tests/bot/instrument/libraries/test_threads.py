"""Thread pools take the trace along, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest
from opentelemetry import trace

from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.tracing import tracing

own: ContextVar[str] = ContextVar("own", default="default")


def current() -> tuple[int, str]:
    return trace.get_current_span().get_span_context().span_id, own.get()


@pytest.fixture
def span(records: Any) -> Iterator[int]:
    """A span that is current."""
    assert tracing.provider is not None
    own.set("the bot's")
    with tracing.provider.get_tracer("the bot's").start_as_current_span("outer") as outer:
        yield outer.get_span_context().span_id


async def test_the_trace_goes_along_and_does_not_stay(span: int) -> None:
    loop = asyncio.get_running_loop()
    assert tracing.provider is not None
    with ThreadPoolExecutor(1) as pool, trace.use_span(trace.INVALID_SPAN):
        nothing = pool.submit(current).result()
        with tracing.provider.get_tracer("the bot's").start_as_current_span("inner") as inner:
            assert await loop.run_in_executor(pool, current) == (inner.get_span_context().span_id, "default")
            assert list(pool.map(lambda _: current()[0], range(2))) == [inner.get_span_context().span_id] * 2
        assert pool.submit(current).result() == nothing == (0, "default")
        assert await asyncio.to_thread(current) == (0, "the bot's")


def test_arguments_results_and_exceptions_are_the_works_own(span: int) -> None:
    def work(one: int, *, fn: int) -> int:
        return one // fn

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work, 6, fn=2).result() == 3
        with pytest.raises(ZeroDivisionError):
            pool.submit(work, 6, fn=0).result()


def test_undone_it_is_the_very_original(span: int) -> None:
    registry.undo()
    original = vars(ThreadPoolExecutor)["submit"]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(current).result()[0] == 0
        registry.apply()
        registry.apply()
        assert pool.submit(current).result()[0] == span
        registry.undo()
    assert vars(ThreadPoolExecutor)["submit"] is original
