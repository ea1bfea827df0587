"""Prefix and hybrid commands: names, outcomes, spans; and the user's own error handlers, which run as without us."""

import asyncio
import sys

import pytest
from discord.ext import commands
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.invocation import CommandCells, begin
from whisperwatch.bot.instrument.measures import timing
from whisperwatch.bot.recording.current import enter, leave
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.tracing import tracing

MESSAGE = "message (consumer) bot=loopback-bot event=message shard=0 guild=guild-0 channel=general user=ada message=#"
POST = (
    "POST /channels/{channel_id}/messages (client) method=POST route=/channels/{channel_id}/messages "
    "status=200 server=127.0.0.1"
)
ERRORS = "discord.ext.commands.errors."


def command(name, outcome, kind="prefix"):
    return f"command {name} bot=loopback-bot command={name} kind={kind} outcome={outcome}"


@pytest.fixture
def say(server, run, bot, settle):
    """Lets ada say things to the bot, one after the other."""

    async def said(*texts, client=bot):
        async with run(server, client):
            for text in texts:
                await server.user("ada").say(text)
                await settle(server, client)

    return said


@pytest.fixture
def outcomes(tape):
    """How often commands ended how."""
    return lambda: tape.cells(semconv.COMMAND_DURATION, bot="loopback-bot")


@pytest.fixture(autouse=True)
def none_in_flight(tape):
    yield
    assert tape.cells(semconv.COMMANDS_ACTIVE) == {}


@pytest.fixture
def swallow(bot):
    """A global error handler; the errors that it has seen."""
    seen = []

    @bot.event
    async def on_command_error(ctx, error):
        seen.append(error)

    return seen


async def test_spans_that_the_bot_s_own_code_ends_are_exported_once_and_measured(say, bot, tape, outcomes):
    @bot.command()
    async def ping(ctx):
        trace.get_current_span().end()

    await say("!ping")
    assert [span.name for span in tape.root("message").walk()] == ["message", "command ping"]
    assert outcomes() == {("ping", "prefix", "ok"): 1}


def test_a_command_whose_span_can_t_start_is_not_in_flight(tape, monkeypatch):
    def start(span):
        raise RuntimeError("a processor of the host's")

    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(tracing, "start", start)
    cells = CommandCells("loopback-bot", "broken", "prefix")
    assert begin(cells) is None
    assert cells.active.value == 0


async def test_a_command_whose_span_can_t_be_delivered_is_measured(say, bot, tape, monkeypatch, outcomes):
    class Broken(SpanProcessor):
        def on_end(self, span):
            if span.name == "command ping":
                raise RuntimeError("a processor of the host's")

    @bot.command()
    async def ping(ctx):
        tracing.provider.add_span_processor(Broken())

    monkeypatch.setattr(guard, "strict", False)
    await say("!ping")
    assert outcomes() == {("ping", "prefix", "ok"): 1}
    assert guard.counts == {"command end": 1}


async def test_a_command_with_a_reply(say, bot, tape, expected, outcomes):
    @bot.command()
    async def ping(ctx):
        assert tape.cells(semconv.COMMANDS_ACTIVE) == {("loopback-bot", "ping", "prefix"): 1}
        await ctx.send("pong")

    await say("!ping")
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {command("ping", "ok")}
            {POST}
        """
    )
    assert outcomes() == {("ping", "prefix", "ok"): 1}
    (measured,) = [
        exemplar
        for cell in tape.recorder.instrument(semconv.COMMAND_DURATION)
        for exemplar in cell.exemplars.values()
    ]
    span = tape.root("message").children[0]
    assert measured[2:] == (span.trace, span.id)
    assert measured[0] == (span.end - span.start) / 1e9
    assert tape.cells(semconv.MESSAGES_HANDLED) == {("loopback-bot", "message"): 1}


async def test_registered_commands_are_exported_as_zero_from_the_start(server, run, bot, tape):
    @bot.group()
    async def outer(ctx): ...

    @outer.command()
    async def inner(ctx): ...

    async with run(server, bot):
        pass
    known = {
        (cell.attributes[semconv.COMMAND], cell.attributes[semconv.OUTCOME])
        for cell in tape.recorder.instrument(semconv.COMMAND_DURATION)
    }
    assert {
        (n, o) for n in ("outer", "outer inner", "help") for o in ("ok", "failure", "user_error")
    } <= known


async def test_groups_have_qualified_names(say, bot, outcomes):
    @bot.group()
    async def plain(ctx): ...

    @plain.group(invoke_without_command=True, aliases=["q"])
    async def quiet(ctx): ...

    @quiet.command(aliases=["l"])
    async def leaf(ctx): ...

    await say("!plain", "!plain nothing", "!plain quiet", "!plain q l", "!plain quiet nothing")
    assert outcomes() == {
        ("plain", "prefix", "ok"): 2,
        ("plain quiet", "prefix", "ok"): 2,
        ("plain quiet leaf", "prefix", "ok"): 1,
    }


async def test_a_group_with_arguments_of_its_own(say, bot, outcomes, tape):
    ran = []

    @bot.group()
    async def money(ctx, amount: int):
        ran.append(("money", amount))

    @money.command()
    async def give(ctx, to: str):
        ran.append(("give", to))

    await say("!money 5 give linus", "!money give")
    assert ran == [("money", 5), ("give", "linus")]
    assert outcomes() == {("money give", "prefix", "ok"): 1, ("money", "prefix", "user_error"): 1}
    assert tape.roots("message")[0].children[0].name == "command money give"


async def test_user_errors(say, bot, swallow, outcomes, tape):
    class Picky(commands.Converter):
        async def convert(self, ctx, argument):
            raise commands.BadArgument("hidden")

    @bot.command()
    async def number(ctx, n: int): ...

    @bot.command()
    async def picky(ctx, what: Picky): ...

    @bot.command()
    @commands.has_permissions(ban_members=True)
    async def ban(ctx): ...

    @bot.command()
    @commands.check(lambda ctx: False)
    async def checked(ctx): ...

    @bot.command(enabled=False)
    async def off(ctx): ...

    @bot.command(ignore_extra=False)
    async def strict(ctx): ...

    await say(
        "!number", "!number x", "!picky x", "!ban", "!checked", "!off", "!strict x", "!nothing of the sort"
    )
    assert outcomes() == {
        ("number", "prefix", "user_error"): 2,
        ("picky", "prefix", "user_error"): 1,
        ("ban", "prefix", "user_error"): 1,
        ("checked", "prefix", "user_error"): 1,
        ("off", "prefix", "user_error"): 1,
        ("strict", "prefix", "user_error"): 1,
        ("unknown", "prefix", "user_error"): 1,
    }
    spans = [root.children[0] for root in tape.roots("message")]
    assert [span.attributes[semconv.ERROR_TYPE].removeprefix(ERRORS) for span in spans] == [
        "MissingRequiredArgument", "BadArgument", "BadArgument", "MissingPermissions", "CheckFailure",
        "DisabledCommand", "TooManyArguments", "CommandNotFound",
    ]  # fmt: skip
    assert [type(error).__name__ for error in swallow] == [
        span.attributes[semconv.ERROR_TYPE].removeprefix(ERRORS) for span in spans
    ]
    assert not any(span.failed or span.events for span in tape.spans()), "no failure of the bot's"


async def test_what_breaks_while_input_is_read_is_a_failure_of_the_bots(say, bot, swallow, outcomes, tape):
    class Mood(commands.Converter):
        async def convert(self, ctx, argument):
            return {}[argument]

    class Far(commands.Converter):
        async def convert(self, ctx, argument):
            raise ConnectionRefusedError

    class Positive(commands.Converter):
        async def convert(self, ctx, argument):
            raise ValueError("not positive")

    def is_known(ctx):
        try:
            raise ConnectionRefusedError
        except ConnectionRefusedError as error:
            raise commands.CheckFailure("can't tell") from error

    @bot.command()
    async def feel(ctx, mood: Mood): ...

    @bot.command()
    async def fetch(ctx, what: Far): ...

    @bot.command()
    async def positive(ctx, n: Positive): ...

    @bot.command()
    @commands.check(is_known)
    async def known(ctx): ...

    await say("!feel x", "!fetch x", "!positive x", "!known")
    assert outcomes() == {
        ("feel", "prefix", "failure"): 1,
        ("fetch", "prefix", "failure"): 1,
        ("positive", "prefix", "user_error"): 1,
        ("known", "prefix", "failure"): 1,
    }
    assert [type(error).__name__ for error in swallow] == ["ConversionError"] * 3 + ["CheckFailure"]
    roots = tape.roots("message")
    assert [root.failed for root in roots] == [True, True, False, True]
    assert [root.children[0].attributes[semconv.ERROR_TYPE] for root in roots[:3]] == [
        "KeyError", "ConnectionRefusedError", "ValueError",
    ]  # fmt: skip
    assert tape.cells(semconv.SECURITY_EVENTS) == {}, "nobody was refused"
    assert tape.cells(semconv.ERRORS, bot="loopback-bot") == {
        ("system", "high", "bot"): 1,
        ("network", "high", "network"): 2,
        ("user", "low", "discord"): 1,
    }


async def test_an_unknown_command_is_shown_whole(say, bot, swallow, tape, expected):
    await say("!nothing of the sort")
    handler = "swallow.<locals>.on_command_error"
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {command("unknown", "user_error")} error={ERRORS}CommandNotFound
            listener {handler} bot=loopback-bot listener={handler}
        """
    )
    assert tape.cells(semconv.MESSAGES_HANDLED) == {}  # nothing ran, and nobody was answered


async def test_text_that_is_no_command_is_none(say, bot, outcomes, tape):
    await say("hello", "!", "! x")
    assert outcomes() == {}
    assert tape.roots("message") == []
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("loopback-bot",): 3}


async def test_cooldowns_and_concurrency_are_rate_limited(server, run, bot, swallow, outcomes, settle):
    @bot.command()
    @commands.cooldown(1, 60)
    async def slow(ctx): ...

    gate = asyncio.Event()
    began = asyncio.Event()

    @bot.command()
    @commands.max_concurrency(1)
    async def one(ctx):
        began.set()
        await gate.wait()

    async with run(server, bot):
        ada = server.user("ada")
        await ada.say("!slow")
        await ada.say("!slow")
        await ada.say("!one")
        await began.wait()
        await ada.say("!one")
        await server.until(lambda: len(swallow) == 2)
        gate.set()
    assert outcomes() == {
        ("slow", "prefix", "ok"): 1,
        ("slow", "prefix", "rate_limited"): 1,
        ("one", "prefix", "ok"): 1,
        ("one", "prefix", "rate_limited"): 1,
    }


async def test_a_failure_marks_command_and_root_and_reaches_the_handlers_as_it_is(
    say, bot, swallow, tape, outcomes, expected
):
    raised = RuntimeError("hidden")

    @bot.command()
    async def bad(ctx):
        raise raised

    await say("!bad")
    (seen,) = swallow
    assert type(seen) is commands.CommandInvokeError
    assert seen.original is raised
    assert outcomes() == {("bad", "prefix", "failure"): 1}
    handler = "swallow.<locals>.on_command_error"
    assert tape.show("message") == expected(
        f"""
        {MESSAGE} error=RuntimeError ERROR [RuntimeError]
          {command("bad", "failure")} error=RuntimeError ERROR [RuntimeError]
            listener {handler} bot=loopback-bot listener={handler}
        """
    )
    (event,) = tape.root("message").children[0].events
    assert event[1].keys() == {"exception.type", "exception.stacktrace"}
    assert (
        "in test_a_failure_marks_command_and_root_and_reaches_the_handlers_as_it_is.<locals>.bad"
        in event[1]["exception.stacktrace"]
    )
    assert "hidden" not in str(event)


async def test_error_handlers_at_all_levels_run_as_without_us(server, run, tape, make_bot, settle):
    async def play(client):
        order = []

        class Cogged(commands.Cog):
            @commands.command()
            async def bad(self, ctx):
                raise LookupError

            @bad.error
            async def of_the_command(self, ctx, error):
                order.append(("command", type(error), type(error.original)))

            async def cog_command_error(self, ctx, error):
                order.append(("cog", type(error), type(error.original)))

            async def cog_before_invoke(self, ctx):
                order.append("before")

            async def cog_after_invoke(self, ctx):
                order.append("after")

        @client.before_invoke
        async def before(ctx):
            order.append("global before")

        @client.after_invoke
        async def after(ctx):
            order.append("global after")

        await client.add_cog(Cogged())
        async with run(server, client):

            @client.event  # registered late
            async def on_command_error(ctx, error):
                order.append(("global", type(error), type(error.original)))

            await server.user("ada").say("!bad")
        return order

    watched = await play(make_bot())
    assert tape.cells(semconv.COMMAND_DURATION, outcome="failure") == {("loopback-bot", "bad", "prefix"): 1}
    watching.uninstrument()
    assert watched == await play(make_bot())
    assert [entry if isinstance(entry, str) else entry[0] for entry in watched] == [
        "before", "global before", "after", "global after", "command", "cog", "global",
    ]  # fmt: skip
    assert tape.cells(semconv.COMMAND_DURATION, outcome="failure") == {("loopback-bot", "bad", "prefix"): 1}


async def test_an_error_handler_that_raises(say, bot, swallow, tape, outcomes):
    seen = []

    @bot.command()
    async def bad(ctx, n: int): ...

    @bad.error
    async def handler(ctx, error):
        raise KeyError("hidden")

    @bot.event
    async def on_error(event, *args):
        seen.append((event, type(sys.exc_info()[1])))

    await say("!bad x")
    assert seen == [("on_message", commands.CommandInvokeError)], "it leaves process_commands, as without us"
    assert swallow == []
    assert outcomes() == {("bad", "prefix", "failure"): 1}
    root = tape.root("message")
    assert root.attributes[semconv.ERROR_TYPE] == "KeyError"
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "message", "KeyError"): 1}


async def test_what_a_hook_around_a_command_raises_is_its_failure(say, bot, swallow, tape, outcomes):
    @bot.command()
    async def fine(ctx): ...

    @fine.before_invoke
    async def before(ctx):
        raise ZeroDivisionError

    await say("!fine")
    assert outcomes() == {("fine", "prefix", "failure"): 1}
    assert tape.root("message").attributes[semconv.ERROR_TYPE] == "ZeroDivisionError"


async def test_a_cancelled_handler(say, bot, tape, outcomes, swallow):
    @bot.command()
    async def gone(ctx):
        raise asyncio.CancelledError

    @bot.hybrid_command()
    async def both(ctx):
        raise asyncio.CancelledError

    await say("!gone", "!both")
    assert outcomes() == {("gone", "prefix", "cancelled"): 1, ("both", "hybrid", "cancelled"): 1}
    assert swallow == []
    assert not any(span.failed for span in tape.spans())


async def test_a_command_whose_task_is_cancelled(server, run, bot, tape, outcomes):
    began = []

    @bot.command()
    async def long(ctx):
        began.append(asyncio.current_task())
        await asyncio.Event().wait()

    async with run(server, bot):
        await server.user("ada").say("!long")
        await server.until(lambda: began)
        began[0].cancel()
    assert outcomes() == {("long", "prefix", "cancelled"): 1}
    assert [span.name for span in tape.root("message").walk()] == ["message", "command long"]


async def test_checks_converters_and_hooks_are_inside(say, bot, tape):
    tracer = trace.get_tracer("lib")

    def inside(name):
        with tracer.start_as_current_span(name):
            return True

    class Slow(commands.Converter):
        async def convert(self, ctx, argument):
            inside("converter")
            return argument

    @bot.check_once
    async def once(ctx):
        return inside("check once")

    @bot.check
    def check(ctx):
        return inside("check")

    @bot.command()
    async def work(ctx, what: Slow):
        inside("body")

    @work.before_invoke
    async def before(ctx):
        inside("before")

    @work.after_invoke
    async def after(ctx):
        inside("after")

    await say("!work x")
    (ran,) = tape.root("message").children
    assert [child.name for child in ran.children] == [
        "check once",
        "check",
        "converter",
        "before",
        "body",
        "after",
    ]


async def test_hybrid_commands_both_ways(server, run, bot, tape, outcomes, swallow, settle):
    @bot.hybrid_command()
    async def both(ctx):
        await ctx.send("here")

    @bot.hybrid_command()
    async def bad(ctx):
        raise ValueError("hidden")

    @bot.hybrid_command()
    @commands.check(lambda ctx: False)
    async def refused(ctx): ...

    @bot.hybrid_command()
    async def gone(ctx):
        raise asyncio.CancelledError

    @bot.hybrid_group(fallback="show")
    async def team(ctx):
        await ctx.send("team")

    @team.command()
    async def add(ctx, who: str):
        await ctx.send(who)

    async with run(server, bot):
        ada = server.user("ada")
        for name in ("both", "bad", "refused", "gone", "team"):
            await ada.say(f"!{name}")
            await settle(server, bot)
            await ada.slash(name if name != "team" else "team show")
            await settle(server, bot)
        await ada.say("!team add linus")
        await ada.slash("team add", who="linus")
    assert outcomes() == {
        ("both", "hybrid", "ok"): 2,
        ("bad", "hybrid", "failure"): 2,
        ("refused", "hybrid", "user_error"): 2,
        ("gone", "hybrid", "cancelled"): 2,
        ("team", "hybrid", "ok"): 1,
        ("team show", "hybrid", "ok"): 1,
        ("team add", "hybrid", "ok"): 2,
    }
    failed = [root for root in tape.roots() if root.failed]
    assert [(root.name, root.attributes[semconv.ERROR_TYPE]) for root in failed] == [
        ("message", "ValueError"), ("interaction", "ValueError"),
    ]  # fmt: skip
    assert [type(error).__name__ for error in swallow] == [
        "CommandInvokeError", "HybridCommandError", "CheckFailure", "CheckFailure",
    ]  # fmt: skip


async def test_a_command_that_calls_others(say, bot, tape, outcomes):
    @bot.command()
    async def inner(ctx):
        await ctx.send("inner")

    @bot.command()
    async def outer(ctx):
        await ctx.invoke(inner)

    await say("!outer")
    assert outcomes() == {("outer", "prefix", "ok"): 1}


async def test_the_help_command(say, bot, outcomes):
    await say("!help", "!help nothing")
    assert outcomes() == {("help", "prefix", "ok"): 2}


async def test_a_bot_without_its_error_handler_logs_as_without_us(say, bot, caplog):
    @bot.command()
    async def bad(ctx):
        raise RuntimeError("told")

    await say("!bad")
    (record,) = [record for record in caplog.records if "Ignoring exception in command" in record.message]
    assert type(record.exc_info[1]) is commands.CommandInvokeError


def test_a_command_that_runs_after_its_event_has_ended_begins_a_trace_with_a_link(tape):
    attributes = {semconv.BOT_NAME: "bot", semconv.EVENT: "message"}
    root = Root("message", 4, recorder.attribute_set(attributes), timing(semconv.EVENT_DURATION, attributes))
    token = enter(root.context_below())
    root.end()
    begin(CommandCells("bot", "late", "prefix")).complete("ok")
    leave(token)
    command = tape.root("command late")
    assert command.trace != root.trace_id
    assert [linked for linked, _ in command.links] == [root.span_id]
