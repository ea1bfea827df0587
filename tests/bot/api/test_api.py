"""The small API, called by a real bot on a loopback Discord."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import pytest

import whisperwatch
from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.api import names
from whisperwatch.bot.instrument.bots import bots

BOT = {"bot": "loopback-bot"}


@pytest.fixture
def do(server, run, bot):
    """Runs a body as the bot's command `do`, that ada calls."""

    async def done(body):
        @bot.command(name="do")
        async def do(ctx):
            await body(ctx)

        async with run(server, bot):
            await server.user("ada").say("!do")

    return done


def names_below(tape, root="message"):
    return [span.name for span in tape.root(root).walk()]


async def test_an_operation_is_a_span_and_a_duration(do, tape):
    async def body(ctx):
        with whisperwatch.operation("render") as outer:
            async with whisperwatch.operation("memory.retrieve") as inner:
                inner.found(3, relevance=0.8)
        assert outer is not inner

    await do(body)
    assert names_below(tape) == ["message", "command do", "operation render", "operation memory.retrieve"]
    span = list(tape.root("message").walk())[-1]
    assert span.attributes[semconv.MEMORY_ITEMS_KEY] == 3
    assert span.attributes[semconv.MEMORY_RELEVANCE_KEY] == 0.8
    assert tape.cells(semconv.OPERATION_DURATION, **BOT) == {("render", "ok"): 1}
    assert tape.cells(semconv.MEMORY_DURATION, **BOT) == {("retrieve", "ok", "api"): 1}
    assert tape.cells(semconv.MEMORY_ITEMS, **BOT) == {("retrieve", "api"): 1}
    assert tape.cells(semconv.MEMORY_RELEVANCE, **BOT) == {("api",): 1}


async def test_as_a_decorator_each_call_is_one(do, tape):
    @whisperwatch.operation("sync")
    def plain(value):
        """Doc."""
        return value

    @whisperwatch.operation("async")
    async def later(value):
        return value

    async def body(ctx):
        assert plain(1) == 1
        assert await asyncio.gather(later(2), later(3)) == [2, 3]

    await do(body)
    assert plain.__doc__ == "Doc."
    assert asyncio.iscoroutinefunction(later)
    assert tape.cells(semconv.OPERATION_DURATION, **BOT) == {("sync", "ok"): 1, ("async", "ok"): 2}


async def test_an_operations_exception_goes_on_unchanged_and_counts_where_it_is_caught(do, tape):
    raised = RuntimeError("hidden")

    async def body(ctx):
        with pytest.raises(RuntimeError) as caught, whisperwatch.operation("memory.store"):
            raise raised
        assert caught.value is raised
        await ctx.send("never mind")

    await do(body)
    assert tape.cells(semconv.MEMORY_DURATION, **BOT) == {("store", "failure", "api"): 1}
    assert tape.cells(semconv.ERRORS, **BOT) == {("system", "medium", "memory"): 1}
    root = tape.root("message")
    assert root.attributes[semconv.DEGRADED] is True
    assert [span.failed for span in root.walk()][:3] == [False, False, True]
    assert "hidden" not in str([span.events for span in root.walk()])


async def test_a_cancelled_operation(do, tape):
    @whisperwatch.operation("slow")
    async def slow():
        await asyncio.Event().wait()

    async def body(ctx):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(), 0.01)

    await do(body)
    assert tape.cells(semconv.OPERATION_DURATION, **BOT) == {("slow", "cancelled"): 1}


async def test_a_job_is_a_trace_of_its_own_with_a_link(do, tape):
    @whisperwatch.job("tidy")
    async def tidy():
        with whisperwatch.operation("sweep"):
            pass

    async def body(ctx):
        await tidy()
        with pytest.raises(KeyError), whisperwatch.job("broken"):
            raise KeyError

    await do(body)
    assert names_below(tape) == ["message", "command do"]
    assert names_below(tape, "job tidy") == ["job tidy", "operation sweep"]
    command = tape.root("message").children[0]
    assert tape.root("job tidy").links == [(command.id, {semconv.TASK_CAUSE: "job"})]
    assert tape.root("job broken").failed
    assert tape.cells(semconv.JOB_DURATION, **BOT) == {("tidy", "ok"): 1, ("broken", "failure"): 1}
    assert tape.cells(semconv.ERRORS, **BOT) == {("system", "high", "tasks"): 1}


async def test_counts_and_depths(do, tape):
    async def body(ctx):
        whisperwatch.cache_hit("embeddings")
        whisperwatch.cache_hit("embeddings")
        whisperwatch.cache_miss("embeddings")
        whisperwatch.feature("personality")
        whisperwatch.feedback("positive")
        whisperwatch.security_event("login", "denied")
        whisperwatch.queue_depth("memories", 7)

    await do(body)
    assert tape.cells(semconv.CACHE_REQUESTS, **BOT) == {
        ("embeddings", "hit", "api"): 2, ("embeddings", "miss", "api"): 1,
    }  # fmt: skip
    assert tape.cells(semconv.FEATURE_USES, **BOT) == {("personality", "api"): 1, ("do", "command"): 1}
    assert tape.cells(semconv.FEEDBACK, **BOT) == {("positive", "api"): 1}
    assert tape.cells(semconv.SECURITY_EVENTS, **BOT) == {("login", "denied", "api"): 1}
    assert tape.cells(semconv.QUEUE_DEPTH, **BOT) == {("memories",): 7}


class Int64(bytes):
    """As numpy's: `marshal` takes it for bytes."""

    def __index__(self):
        return int.from_bytes(self, "little")


async def test_numbers_of_other_types_and_what_is_no_number(do, tape):
    async def body(ctx):
        with whisperwatch.operation("memory.retrieve") as op:
            op.found(Int64(b"\5"), relevance=Fraction(1, 2))
        with whisperwatch.operation("memory.store") as op:
            op.found("3", relevance=None)
        for depth in (Int64(b"\7"), "many", None, float("nan")):
            whisperwatch.queue_depth("memories", depth)

    await do(body)
    retrieve, store = list(tape.root("message").walk())[-2:]
    assert retrieve.attributes[semconv.MEMORY_ITEMS_KEY] == 5
    assert retrieve.attributes[semconv.MEMORY_RELEVANCE_KEY] == 0.5
    assert semconv.MEMORY_ITEMS_KEY not in store.attributes
    assert tape.cells(semconv.MEMORY_DURATION, **BOT) == {
        ("retrieve", "ok", "api"): 1, ("store", "ok", "api"): 1,
    }  # fmt: skip
    assert tape.cells(semconv.QUEUE_DEPTH, **BOT) == {("memories",): 7}
    assert guard.counts == {"operation": 1, "queue_depth": 3}


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: whisperwatch.cache_hit(None), "cache_hit: the name is a text of 1 to 100 characters"),
        (lambda: whisperwatch.cache_miss([]), "cache_miss: the name is a text"),
        (lambda: whisperwatch.feature("ada" * 50), "feature: the name is a text"),
        (lambda: whisperwatch.feedback("ada"), "feedback: one of positive, neutral, negative"),
        (lambda: whisperwatch.feedback([]), "feedback: one of positive, neutral, negative"),
        (
            lambda: whisperwatch.security_event("login", "ada"),
            "security_event: one of allowed, denied, failed",
        ),
        (lambda: whisperwatch.security_event(" ", "denied"), "security_event: the kind is a text"),
        (lambda: whisperwatch.conversation(["ada"]), "conversation: the key can be hashed"),
        (lambda: whisperwatch.queue_depth("", 5), "queue_depth: the name is a text"),
        (lambda: whisperwatch.queue_depth("memories", "ada"), "queue_depth: the depth is a finite number"),
        (
            lambda: whisperwatch.operation("memory.retrieve").found("ada"),
            "operation: what it found and its relevance",
        ),
        (lambda: whisperwatch.report_error("ada"), "report_error: the error is an exception"),
    ],
)
async def test_what_a_call_cannot_take_is_said_once_and_breaks_nothing(do, tape, caplog, call, problem):
    name, _, right = problem.partition(": ")

    async def body(ctx):
        assert call() is None
        assert call() is None
        await ctx.send("done")

    call()  # nor where no bot is watched
    await do(body)
    assert guard.counts.pop(name) >= 2
    assert guard.counts == {}
    said = [
        one.getMessage() for one in caplog.records if one.name == "whisperwatch" and right in one.getMessage()
    ]
    assert len(said) == 1
    assert f"whisperwatch.{name} was called" in said[0]
    assert "ada" not in said[0]
    assert tape.root("message").attributes.get(semconv.ERROR_TYPE) is None


async def test_a_block_without_a_name_runs_as_without_us(do, tape):
    @whisperwatch.operation("x" * 101)
    async def work():
        with whisperwatch.job(None), whisperwatch.operation([]) as operation:
            operation.found(1)
            return 7

    async def body(ctx):
        assert await work() == 7

    await do(body)
    assert names_below(tape) == ["message", "command do"]
    guard.counts.clear()


async def test_a_security_event_goes_without_what_it_cannot_say(do, tape):
    async def body(ctx):
        whisperwatch.security_event("login", "denied", user="ada", target="x" * 101)

    await do(body)
    assert tape.cells(semconv.SECURITY_EVENTS, **BOT) == {("login", "denied", "api"): 1}
    assert guard.counts.pop("security_event") == 2


async def test_a_broken_hook_breaks_nothing(do, tape, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    done = []

    async def body(ctx):
        monkeypatch.setattr("whisperwatch.bot.api.operations.any_bot", lambda: 1 / 0)
        monkeypatch.setattr("whisperwatch.bot.api.usage.any_bot", lambda: 1 / 0)
        monkeypatch.setattr("whisperwatch.bot.api.jobs.any_bot", lambda: 1 / 0)
        with whisperwatch.operation("one"), whisperwatch.job("two"):
            whisperwatch.feature("three")
            whisperwatch.queue_depth("four", 1)
        done.append(True)

    await do(body)
    assert done == [True]
    assert guard.counts.keys() >= {
        "operation end",
        "job",
        semconv.FEATURE_USES.name,
        semconv.QUEUE_DEPTH.name,
    }


def unwatched_calls(whole: int) -> None:
    for _ in range(whole):
        whisperwatch.cache_hit("embeddings")
        whisperwatch.feature("personality")
        with whisperwatch.operation("memory.retrieve"):
            pass


def test_unwatched_nothing_is_recorded_and_it_costs_next_to_nothing(recording):
    assert not bots
    before = len(recording.definitions)
    unwatched_calls(1)
    assert len(recording.definitions) == before
    assert not recording.changed
    best = min(_timed(unwatched_calls) for _ in range(20))
    assert best / 3000 < 3e-6  # of each of three calls; 1 µs on a machine that is not busy


def _timed(function) -> float:
    start = time.process_time()
    function(1000)
    return time.process_time() - start


def test_what_is_public_is_there():
    for name in whisperwatch.__all__:
        assert getattr(whisperwatch, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = whisperwatch.nothing


def test_names_that_are_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(names, "_MOST", 2)
    monkeypatch.setattr(names, "_known", set())
    for number in range(5):
        assert names.checked("a cache", f"cache {number}") == f"cache {number}"
    assert len(names._known) == 2
