"""Thread pools: a message's work stays the message's in a pool's thread, and nothing of it stays in the thread."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace

from whisperwatch.bot import watch as watching
from whisperwatch.bot.recording.roots import live_root

tracer = trace.get_tracer("bot")
word = contextvars.ContextVar("word", default="its own")


def work(name):
    with tracer.start_as_current_span(name):
        return word.get(), threading.current_thread()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as made:
        yield made


async def test_every_way_into_a_pool_is_part_of_the_message(server, run, bot, tape, pool):
    seen = []

    @bot.command()
    async def think(ctx):
        loop = asyncio.get_running_loop()
        word.set("the command's")
        with tracer.start_as_current_span("step"):
            seen.append(await loop.run_in_executor(None, work, "default pool"))
            seen.append(await loop.run_in_executor(pool, work, "own pool"))
            seen.append(await asyncio.wrap_future(pool.submit(work, name="submitted")))
            seen.append(await asyncio.to_thread(work, "to_thread"))

    async with run(server, bot):
        await server.user("ada").say("!think")
    (command,) = tape.root("message").children
    (step,) = command.children
    assert [span.name for span in step.children] == ["default pool", "own pool", "submitted", "to_thread"]
    assert [said for said, _ in seen] == ["its own"] * 3 + ["the command's"]
    assert threading.main_thread() not in [thread for _, thread in seen]


async def test_nothing_stays_in_the_thread(server, run, bot, tape, pool):
    roots = []

    @bot.command()
    async def think(ctx):
        roots.append(weakref.ref(live_root()))
        assert pool.submit(live_root).result() is live_root()

    async with run(server, bot):
        await server.user("ada").say("!think")
        assert pool.submit(live_root).result() is None
    await bot.close()
    gc.collect()
    tape.recorder.unsettled.clear()
    assert roots[0]() is None


async def test_exceptions_are_the_functions_own(server, run, bot, tape, pool):
    raised = []

    def fail():
        raise ValueError("mine")

    @bot.command()
    async def think(ctx):
        future = pool.submit(fail)
        raised.append(future.exception())
        with pytest.raises(TypeError):
            pool.submit()

    async with run(server, bot):
        await server.user("ada").say("!think")
    assert repr(raised) == "[ValueError('mine')]"


async def test_a_job_that_outlives_its_message_links_to_it(server, run, settle, bot, tape, pool):
    go = threading.Event()

    def late():
        go.wait(10)
        work("late")

    futures = []

    @bot.command()
    async def think(ctx):
        futures.append(pool.submit(late))

    async with run(server, bot):
        await server.user("ada").say("!think")
        await settle(server, bot)
        root = tape.root("message")
        go.set()
        await asyncio.wrap_future(futures[0])
    (span,) = tape.roots("late")
    assert [target for target, _ in span.links] == [root.id]


def test_without_a_message_a_pool_is_asked_as_it_would_be(tape, pool):
    with tracer.start_as_current_span("outside"):
        assert pool.submit(trace.get_current_span).result() is trace.INVALID_SPAN


def test_undone_it_is_pythons_own(tape):
    assert "whisperwatch" in ThreadPoolExecutor.submit.__code__.co_filename
    watching.uninstrument()
    assert "whisperwatch" not in ThreadPoolExecutor.submit.__code__.co_filename
