"""Errors of a real bot on a loopback Discord: each counted once, and the message's trace marked."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging

import asyncpg
import httpx
import openai
import pytest
from discord.ext import commands

import whisperwatch
from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors import counting
from whisperwatch.bot.instrument.errors.counting import call_ended
from whisperwatch.bot.instrument.errors.reporting import error_of, note_logged
from whisperwatch.bot.recording.exceptions import reduced
from whisperwatch.bot.recording.roots import live_root

TIMED_OUT = openai.APITimeoutError(httpx.Request("POST", "http://llm.test"))
CALL = ("openai", "chat")


@pytest.fixture
def errors(tape):
    """What was counted, by category, severity and component."""
    return lambda: tape.cells(semconv.ERRORS, bot="loopback-bot")


async def say(server, run, bot, content, body):
    """Run `body` as the bot's command `do`."""

    @bot.command(name="do")
    async def do(ctx):
        await body(ctx)

    async with run(server, bot):
        await server.user("ada").say(content)


def fresh() -> openai.APITimeoutError:
    return openai.APITimeoutError(TIMED_OUT.request)


async def test_reported_and_answered_is_degraded(server, run, bot, tape, errors):
    async def body(ctx):
        try:
            raise fresh()
        except openai.OpenAIError as error:
            whisperwatch.report_error(error)
        await ctx.send("something went wrong")

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1}
    root = tape.root("message")
    assert root.attributes[semconv.DEGRADED] is True
    assert root.attributes[semconv.ERROR_TYPE] == "openai.APITimeoutError"
    assert not root.failed


async def test_reported_without_an_answer_is_failed(server, run, bot, tape, errors):
    async def body(ctx):
        whisperwatch.report_error(fresh())

    await say(server, run, bot, "!do", body)
    root = tape.root("message")
    assert root.failed
    assert semconv.DEGRADED not in root.attributes


async def test_one_exception_counts_once_however_many_layers_see_it(server, run, bot, errors):
    async def body(ctx):
        try:
            try:
                raise fresh()
            except openai.OpenAIError as error:
                call_ended(live_root(), "llm", CALL, error)
                note_logged(logging.ERROR, "mybot", "no answer", "no answer", error, True, None)
                whisperwatch.report_error(error)
                raise RuntimeError("no answer") from error
        except RuntimeError as error:
            note_logged(logging.ERROR, "mybot", "no answer: %s", "no answer", error, False, None)
            raise

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1}


async def test_a_log_record_counts_unless_it_tells_of_the_same_failure(server, run, bot, errors):
    log = logging.getLogger("mybot")

    async def body(ctx):
        whisperwatch.report_error(fresh())
        log.error("no answer: APITimeoutError")
        log.error("no answer: %s", "Request timed out.")
        assert sum(errors().values()) == 1
        log.error("the queue is full")
        log.error("the disk is slow")
        log.error("the queue is full")
        log.error("i")
        log.error("i too")

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1, ("system", "medium", "bot"): 4}


async def test_what_fails_while_a_failure_is_handled_is_another_one(server, run, bot, errors):
    async def body(ctx):
        try:
            raise fresh()
        except openai.OpenAIError as error:
            whisperwatch.report_error(error)
            {}["mood"]

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1, ("system", "high", "bot"): 1}


def test_a_group_is_known_when_all_of_it_is(tape):
    one, other = fresh(), KeyError("mood")
    counting.note(one)
    assert counting.note(ExceptionGroup("two", [one])) is None
    assert counting.note(ExceptionGroup("two", [ExceptionGroup("one", [one]), other])) is not None
    assert counting.note(other) is None


async def test_a_call_that_failed_although_the_command_went_on_counts(server, run, bot, tape, errors):
    async def body(ctx):
        with contextlib.suppress(openai.OpenAIError):
            error = fresh()
            call_ended(live_root(), "llm", CALL, error)
            raise error
        await ctx.send("something went wrong")

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1}
    assert tape.root("message").attributes[semconv.DEGRADED] is True


async def test_a_call_that_succeeded_on_retry_does_not(server, run, bot, tape, errors):
    async def body(ctx):
        call_ended(live_root(), "llm", CALL, fresh())
        call_ended(live_root(), "llm", CALL, fresh())
        call_ended(live_root(), "llm", CALL, None)
        await ctx.send("an answer")

    await say(server, run, bot, "!do", body)
    assert errors() == {}
    assert semconv.DEGRADED not in tape.root("message").attributes


async def test_a_caught_constraint_violation_is_an_answer_and_an_uncaught_one_an_error(
    server, run, bot, errors
):
    async def body(ctx):
        with contextlib.suppress(asyncpg.UniqueViolationError):
            error = asyncpg.UniqueViolationError("twice")
            call_ended(live_root(), "database", ("postgresql", "INSERT"), error)
            raise error
        assert errors() == {}
        raise asyncpg.UniqueViolationError("twice")

    await say(server, run, bot, "!do", body)
    assert errors() == {("system", "low", "database"): 1}


async def test_a_timeout_of_the_bots_own_is_the_dependencys(server, run, bot, errors):
    async def ask():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            call_ended(live_root(), "llm", CALL, error)
            raise

    async def body(ctx):
        try:
            async with asyncio.timeout(0):
                await ask()
        except TimeoutError as error:
            whisperwatch.report_error(error)

    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "medium", "llm"): 1}


async def test_what_users_do_wrong_is_theirs(server, run, bot, tape, errors):
    @bot.command()
    @commands.is_owner()
    async def secret(ctx):
        await ctx.send("never")

    async with run(server, bot):
        ada = server.user("ada")
        await ada.say("!secret")
        await ada.say("!mistyped")
    assert errors() == {("user", "low", "discord"): 1}
    assert not any(span.failed for span in tape.spans())


async def test_a_listener_and_a_command_that_raise(server, run, bot, tape, errors):
    @bot.listen()
    async def on_message(message):
        raise KeyError("a bug")

    async with run(server, bot):
        await server.user("ada").say("hello")
    assert errors() == {("system", "high", "bot"): 1}
    assert tape.root("message").failed


async def test_a_failed_task_that_nobody_awaited(server, run, bot, errors):
    async def fails():
        raise fresh()

    async def body(ctx):
        task = asyncio.create_task(fails())
        await asyncio.wait([task])
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append(context))
        del task
        gc.collect()

    heard = []
    await say(server, run, bot, "!do", body)
    assert errors() == {("ai", "high", "llm"): 1}
    assert [type(context["exception"]) for context in heard] == [openai.APITimeoutError]


@pytest.mark.parametrize(
    ("level", "name", "template", "has_exception", "counts"),
    [
        (logging.ERROR, "mybot.brain", "no answer", False, True),
        (logging.WARNING, "mybot.brain", "odd", False, False),
        (logging.WARNING, "mybot.brain", "odd", True, True),
        (logging.ERROR, "discord.client", "Attempting a reconnect in %.2fs", True, False),
        (logging.ERROR, "discord.shard", "Attempting a reconnect for shard ID %s in %.2fs", True, False),
        (logging.ERROR, "discord.client", "Ignoring exception in %s", True, True),
    ],
)
def test_which_log_lines_are_errors(tape, level, name, template, has_exception, counts):
    error = ConnectionResetError() if has_exception else None
    assert (note_logged(level, name, template, template, error, has_exception, None) is not None) == counts


def test_the_exception_of_a_log_record():
    error, other = KeyError("a"), KeyError("b")

    def record(args=(), exc_info=None):
        return logging.LogRecord("mybot", logging.ERROR, "x.py", 1, "%s", args, exc_info)

    assert error_of(record(exc_info=(KeyError, error, None)), other) is error
    assert error_of(record((error,)), other) is error
    assert error_of(record(("text",)), other) is other
    assert error_of(record(({"a": 1},)), None) is None


async def test_a_component_that_is_none_is_left_out(server, run, bot, errors, caplog):
    async def body(ctx):
        whisperwatch.report_error(KeyError(), component="brain")

    await say(server, run, bot, "!do", body)
    assert errors() == {("system", "medium", "bot"): 1}
    assert "the component is one of llm" in caplog.text
    assert guard.counts.pop("report_error") == 1


async def test_a_broken_hook_breaks_nothing(server, run, bot, tape, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(counting, "verdict_of", lambda *_, **__: 1 / 0)
    answered = []

    async def body(ctx):
        whisperwatch.report_error(fresh())
        call_ended(live_root(), "llm", CALL, fresh())
        answered.append(True)

    await say(server, run, bot, "!do", body)
    assert answered == [True]
    assert {"report_error", "call error"} <= guard.counts.keys()


def test_an_exception_that_takes_no_mark_still_counts(tape):
    class Slotted(Exception):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise AttributeError(name)

    assert counting.note(Slotted()) is not None


def test_of_a_group_the_types_are_kept():
    group = ExceptionGroup("tasks", [KeyError("mood"), fresh()])
    assert reduced(group, str)[1] == "tasks (2 sub-exceptions): KeyError, openai.APITimeoutError"
