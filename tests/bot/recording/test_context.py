"""What is current where work goes on elsewhere: as OpenTelemetry's context, which is a context variable, has it.

Tasks and `asyncio.to_thread` take the context along. `loop.run_in_executor`, a bare executor and a thread don't: who
uses them passes `contextvars.copy_context().run`, as without us. The body of an async generator runs in the context of
whoever asks it for the next item.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry import trace

from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, live_root
from whisperwatch.bot.recording.tracing import tracing

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def root() -> Root:
    """An event's root; tests enter it in their own task."""
    duration = recorder.define_instrument(recorder.scope, "duration", "histogram", "s", "").find({})
    return Root("message", 4, recorder.attribute_set({}), duration)


def parent_here() -> int:
    """The id of the parent that a span started here gets; 0 is none."""
    span = tracing.child("probe", 0, recorder.attribute_set({}))
    span.end()
    assert trace.get_tracer("library").start_span("other").parent == span.parent
    return span.parent_id


async def parent_in_coroutine() -> int:
    return parent_here()


async def test_tasks(root):
    root.enter()
    assert await asyncio.create_task(parent_in_coroutine()) == root.span_id
    assert await asyncio.gather(parent_in_coroutine(), parent_in_coroutine()) == [root.span_id] * 2
    async with asyncio.TaskGroup() as group:
        task = group.create_task(parent_in_coroutine())
    assert task.result() == root.span_id


async def test_a_task_does_not_change_what_is_current_in_the_one_that_started_it(root):
    async def work() -> None:
        root.enter()
        assert live_root() is root

    await asyncio.create_task(work())
    assert live_root() is None
    assert parent_here() == 0


async def test_callbacks_of_the_loop(root):
    root.enter()
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: future.set_result(parent_here()))
    assert await future == root.span_id


async def test_to_thread(root):
    root.enter()
    assert await asyncio.to_thread(parent_here) == root.span_id
    assert await asyncio.to_thread(live_root) is root


async def test_executors_and_threads_take_no_context_along_by_themselves(root):
    root.enter()
    loop = asyncio.get_running_loop()
    carried = contextvars.copy_context()
    assert await loop.run_in_executor(None, parent_here) == 0
    assert await loop.run_in_executor(None, carried.run, parent_here) == root.span_id
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(parent_here).result() == 0
        assert pool.submit(contextvars.copy_context().run, parent_here).result() == root.span_id
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(parent_here()))
    thread.start()
    thread.join()
    assert seen == [0]


async def test_async_generators_run_in_their_callers_context(root):
    async def generate() -> AsyncIterator[int]:
        yield parent_here()
        yield parent_here()

    root.enter()
    items = generate()
    assert await anext(items) == root.span_id
    with trace.get_tracer("library").start_as_current_span("s") as span:
        assert await anext(items) == span.span_id
    await items.aclose()


async def test_a_span_that_is_current_inside_an_async_generator(root, caplog):
    """While it is suspended its span is current for its caller too, as with the SDK; it ends, and nothing breaks."""

    async def stream() -> AsyncIterator[int]:
        with trace.get_tracer("library").start_as_current_span("stream"):
            yield parent_here()
            yield parent_here()

    root.enter()
    parents = [parent async for parent in stream()]
    ended = {record[5]: record for record in recorder.take_spans(100)}
    assert parents == [ended["stream"][1]] * 2
    assert ended["stream"][2] == root.span_id
    assert parent_here() == root.span_id
    assert not caplog.records


async def test_an_async_generator_that_another_task_closes(root, caplog):
    async def stream() -> AsyncIterator[int]:
        with trace.get_tracer("library").start_as_current_span("stream"):
            yield 1

    root.enter()
    items = stream()
    await anext(items)

    async def close() -> None:
        await items.aclose()

    await asyncio.create_task(close())
    assert [record[5] for record in recorder.take_spans(9)] == ["stream"]
    assert not caplog.records  # with the SDK: "Failed to detach context", and a traceback


async def test_two_events_at_once_do_not_mix(root):
    async def event(number: int) -> tuple[int, Any]:
        own = Root(f"message {number}", 4, recorder.attribute_set({}), root.duration)
        own.enter()
        parents = set()
        for _ in range(20):
            await asyncio.sleep(0)
            parents.add(await asyncio.create_task(parent_in_coroutine()))
        return own.span_id, parents

    for span_id, parents in await asyncio.gather(
        *[asyncio.create_task(event(number)) for number in range(10)]
    ):
        assert parents == {span_id}
