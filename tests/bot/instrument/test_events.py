"""Events: a root for each that anyone listens to, a counter for the rest; listeners of every sort; `wait_for`."""

from __future__ import annotations

import asyncio
import sys
from contextvars import ContextVar

import discord
from discord.ext import commands
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument import bots as bots_module
from whisperwatch.bot.recording import roots
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.tracing import tracing

MESSAGE = "message (consumer) bot=loopback-bot event=message shard=0 guild=guild-0 channel=general user=ada message=#"
POST = (
    "POST /channels/{channel_id}/messages (client) method=POST route=/channels/{channel_id}/messages "
    "status=200 server=127.0.0.1"
)


def listener(function):
    return f"listener {function.__qualname__} bot=loopback-bot listener={function.__qualname__}"


async def test_a_client_that_overrides_on_message(server, run, tape, make_client, expected):
    class Parrot(make_client):
        async def on_message(self, message):
            if message.author != self.user:
                await message.channel.send(message.content)

    async with run(server, Parrot()):
        await server.reply_to(await server.user("ada").say("hello"))
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {listener(Parrot.on_message)}
            {POST}
        """
    )
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("loopback-bot",): 2}, (
        "the bot hears itself"
    )
    assert tape.cells(semconv.MESSAGES_HANDLED) == {("loopback-bot", "message"): 1}
    assert tape.cells(semconv.RESPONSE_TIME) == {("loopback-bot", "message"): 1}


async def test_listeners_of_every_sort_are_under_one_root(server, run, tape, bot, expected):
    tracer = trace.get_tracer("somebody's library")

    class Ears(commands.Cog):  # without an __init__
        @commands.Cog.listener("on_message")
        async def hear(self, message):
            with tracer.start_as_current_span("in the cog"):
                await asyncio.sleep(0)

    @bot.event
    async def on_message(message):
        with tracer.start_as_current_span("in the event"):
            await asyncio.sleep(0)

    async def added(message):
        with tracer.start_as_current_span("in the added"):
            await asyncio.sleep(0)

    bot.add_listener(added, "on_message")
    await bot.add_cog(Ears())
    async with run(server, bot):
        await server.user("ada").say("hello")
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {listener(on_message)}
            in the event
          {listener(added)}
            in the added
          {listener(Ears.hear)}
            in the cog
        """
    )
    assert {span.scope for span in tape.spans() if span.name.startswith("in the")} == {"somebody's library"}


async def test_an_event_under_which_nothing_happens_is_counted_not_exported(server, run, tape, bot):
    @bot.event
    async def on_typing(channel, user, when):
        await asyncio.sleep(0)

    async with run(server, bot):
        await server.user("ada").type()
    assert tape.roots("typing") == []
    assert tape.cells(semconv.EVENT_DURATION, event="typing") == {("loopback-bot",): 1}
    assert tape.cells(semconv.GATEWAY_EVENTS, event="TYPING_START") == {("loopback-bot", 0): 1}


async def test_an_event_is_measured_once_though_a_processor_breaks(server, run, tape, bot, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)

    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            raise RuntimeError

    heard = []
    for number in range(3):

        async def listen(message, number=number):
            heard.append(number)

        bot.add_listener(listen, "on_message")
    providers.tracer_provider.add_span_processor(Broken())
    async with run(server, bot):
        await server.user("ada").say("hello")
    assert sorted(heard) == [0, 1, 2]
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("loopback-bot",): 1}


async def test_processors_forget_listeners_of_an_event_under_which_nothing_happens(server, run, tape, bot):
    begun, sampled = [], []

    class Open(SpanProcessor):
        def on_start(self, span, parent_context=None):
            begun.append(span)

        def on_end(self, span):
            begun.remove(span)
            if span.context.trace_flags.sampled:
                sampled.append(span.name)

    @bot.event
    async def on_typing(channel, user, when):
        heard.append([span.name for span in begun])

    heard = []
    async with run(server, bot):
        tracing.provider.add_span_processor(Open())
        await server.user("ada").type()
    (during,) = heard
    assert f"listener {on_typing.__qualname__}" in during
    assert begun == []
    assert not [name for name in sampled if "typing" in name]


async def test_listeners_for_events_with_names_without_end_are_bounded(server, run, tape, bot, monkeypatch):
    monkeypatch.setattr(bots_module, "MOST_EVENTS", 3)
    heard = []

    async def listen():
        heard.append(True)

    async with run(server, bot):
        for number in range(10):
            bot.add_listener(listen, f"on_vote_{number}")
            bot.dispatch(f"vote_{number}")
            await server.until(lambda number=number: len(heard) == number + 1)
    votes = {event: count for (_, event), count in tape.cells(semconv.EVENT_DURATION).items()}
    assert sum(count for event, count in votes.items() if event == "other" or event.startswith("vote")) == 10
    assert votes["other"] >= 7


async def test_untouched_roots_are_exported_when_asked_for(server, run, tape, bot, monkeypatch, expected):
    monkeypatch.setattr(roots, "keep_untouched", True)

    @bot.event
    async def on_typing(channel, user, when):
        pass

    async with run(server, bot):
        await server.user("ada").type()
    assert tape.show("typing") == expected(
        f"""
        typing (consumer) bot=loopback-bot event=typing shard=0 guild=guild-0
          {listener(on_typing)}
        """
    )


async def test_an_event_that_nobody_listens_to_makes_no_root(server, run, tape, bot):
    async with run(server, bot):
        await server.user("ada").type()
    assert tape.cells(semconv.GATEWAY_EVENTS, event="TYPING_START") == {("loopback-bot", 0): 1}
    assert tape.cells(semconv.EVENT_DURATION, event="typing") == {}


async def test_a_failing_listener_marks_span_root_and_metric(server, run, tape, bot, expected):
    raised = KeyError("hidden")
    heard = []

    @bot.event
    async def on_message(message):
        raise raised

    @bot.event
    async def on_error(event, *args):
        heard.append((event, args[0].content, sys.exc_info()[1]))

    async with run(server, bot):
        await server.user("ada").say("hello")
    assert heard == [("on_message", "hello", raised)]
    assert heard[0][2] is raised
    assert tape.show("message") == expected(
        f"""
        {MESSAGE} error=KeyError ERROR [KeyError]
          {listener(on_message)} error=KeyError ERROR [KeyError]
        """
    )
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "message", "KeyError"): 1}


async def test_a_cancelled_listener_is_no_failure(server, run, tape, bot, expected):
    @bot.event
    async def on_message(message):
        with trace.get_tracer("lib").start_as_current_span("work"):
            pass
        raise asyncio.CancelledError

    async with run(server, bot):
        await server.user("ada").say("hello")
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {listener(on_message)}
            work
        """
    )
    assert tape.cells(semconv.EVENT_ERRORS) == {}


async def test_a_wait_is_linked_to_what_ended_it(server, run, tape, bot, expected):
    @bot.command()
    async def quiz(ctx):
        await ctx.send("?")
        answer = await bot.wait_for("message", check=lambda m: m.content == "42", timeout=5)
        await ctx.send(f"right, {answer.author.name}")

    async with run(server, bot):
        ada = server.user("ada")
        await server.reply_to(await ada.say("!quiz"))
        await ada.say("41")
        await server.reply_to(await server.user("grace").say("42"))
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          command quiz bot=loopback-bot command=quiz kind=prefix outcome=ok →message(wait_for)
            {POST}
            {POST}
        {MESSAGE.replace("ada", "grace")}
        """
    )


async def test_an_event_that_only_ends_a_wait_gets_a_root(server, run, tape, bot, expected):
    tracer = trace.get_tracer("lib")

    @bot.command()
    async def like(ctx):
        with tracer.start_as_current_span("waiting"):
            message = await ctx.send("like me")
            await bot.wait_for("reaction_add", timeout=5)
            await message.delete()

    async with run(server, bot):
        ada = server.user("ada")
        message = await server.reply_to(await ada.say("!like"))
        await server.until(lambda: "reaction_add" in bot._listeners)
        await ada.react(message, "👍")
        await server.until(lambda: message.deleted)
    waited = tape.root("message")
    (linked,) = [span for span in waited.walk() if span.links]
    assert linked.name == "waiting", "the span that waits is linked, and where it was"
    assert tape.show("reaction_add") == (
        "reaction_add (consumer) bot=loopback-bot event=reaction_add shard=0"
    )
    assert linked.links == [(tape.root("reaction_add").id, {semconv.TASK_CAUSE: "wait_for"})]


async def test_a_failing_check_of_a_wait_reaches_the_one_who_waits(server, run, tape, bot):
    raised = ValueError("from the check")
    heard = []

    def check(message):
        raise raised

    @bot.command()
    async def wait(ctx):
        try:
            await bot.wait_for("message", check=check, timeout=5)
        except ValueError as error:
            heard.append(error)

    async with run(server, bot):
        ada = server.user("ada")
        await ada.say("!wait")
        await server.until(lambda: "message" in bot._listeners)
        await ada.say("go")
        await server.until(lambda: heard)
    assert heard == [raised]
    assert tape.root("message").children[0].links == []


async def test_a_wait_that_times_out(server, run, tape, bot):
    heard = []

    @bot.command()
    async def wait(ctx):
        try:
            await bot.wait_for("message", timeout=0.01)
        except TimeoutError as error:
            heard.append(error)

    async with run(server, bot):
        await server.user("ada").say("!wait")
        await server.until(lambda: heard)
    assert tape.cells(semconv.COMMAND_DURATION, outcome="ok") == {("loopback-bot", "wait", "prefix"): 1}


async def test_an_event_of_the_bot_s_own_stays_in_the_trace(server, run, tape, bot, expected):
    @bot.event
    async def on_levelled_up(who):
        await asyncio.sleep(0)

    @bot.event
    async def on_message(message):
        bot.dispatch("levelled_up", message.author)

    async with run(server, bot):
        await server.user("ada").say("hello")
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("loopback-bot",): 1}
    assert tape.roots("levelled_up") == []


async def test_an_event_of_the_bot_s_own_outside_of_events_is_a_root(server, run, tape, bot, expected):
    @bot.event
    async def on_tick():
        with trace.get_tracer("lib").start_as_current_span("work"):
            pass

    async with run(server, bot):
        with trace.get_tracer("lib").start_as_current_span("elsewhere"):
            bot.dispatch("tick")
    assert tape.show("tick", "elsewhere") == expected(
        f"""
        elsewhere
        tick (consumer) bot=loopback-bot event=tick
          {listener(on_tick)}
            work
        """
    )


async def test_roots_start_empty_but_the_bot_s_own_context_is_kept(server, run, tape, bot):
    mine: ContextVar[str] = ContextVar("mine", default="lost")
    seen = []

    @bot.event
    async def on_message(message):
        seen.append(mine.get())
        with trace.get_tracer("lib").start_as_current_span("work"):
            mine.set(message.content)

    async def start():
        mine.set("kept")
        with trace.get_tracer("lib").start_as_current_span("main") as main:
            async with run(server, bot):
                await server.user("ada").say("one")
                await server.user("ada").say("two")
        return main

    await asyncio.create_task(start())
    assert seen == ["kept", "kept"]
    traces = {root.trace for root in tape.roots()}
    assert len(traces) == len(tape.roots())
    assert [root.children[0].children[0].name for root in tape.roots("message")] == ["work", "work"]


async def test_a_task_that_outlives_its_root_is_a_trace_of_its_own_with_a_link(
    server, run, tape, bot, expected
):
    tracer = trace.get_tracer("lib")
    go = asyncio.Event()
    tasks = []

    async def later():
        with tracer.start_as_current_span("soon"):
            pass
        await go.wait()
        with tracer.start_as_current_span("late"), tracer.start_as_current_span("later still"):
            pass

    @bot.event
    async def on_message(message):
        tasks.append(asyncio.create_task(later()))
        await asyncio.sleep(0)

    async with run(server, bot):
        await server.user("ada").say("hello")
        await server.until(lambda: tasks)
        await server.until(lambda: tape.cells(semconv.EVENT_DURATION, event="message"))
        go.set()
        await tasks[0]
    assert tape.show("message", "late") == expected(
        f"""
        {MESSAGE}
          {listener(on_message)}
            soon
        late →message(ended_root)
          later still
        """
    )


async def test_context_follows_threads_executors_and_async_generators(server, run, tape, bot, expected):
    tracer = trace.get_tracer("lib")

    def work(name):
        with tracer.start_as_current_span(name):
            pass

    async def numbers():
        with tracer.start_as_current_span("generator"):
            yield 1

    @bot.event
    async def on_message(message):
        await asyncio.to_thread(work, "thread")
        async for _ in numbers():
            work("inside")
        await asyncio.gather(asyncio.to_thread(work, "gathered"))
        work("after")

    async with run(server, bot):
        await server.user("ada").say("hello")
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {listener(on_message)}
            thread
            generator
              inside
            gathered
            after
        """
    )


async def test_two_events_at_once_don_t_mix(server, run, tape, bot):
    tracer = trace.get_tracer("lib")
    both = asyncio.Barrier(2)

    @bot.event
    async def on_message(message):
        with tracer.start_as_current_span(f"outer {message.content}"):
            await both.wait()
            with tracer.start_as_current_span(f"inner {message.content}"):
                await both.wait()

    async with run(server, bot):
        await server.user("ada").say("1")
        await server.user("ada").say("2")
    names = [[span.name for span in root.walk()][2:] for root in tape.roots("message")]
    assert names == [["outer 1", "inner 1"], ["outer 2", "inner 2"]]


async def test_typing_is_no_reply(server, run, tape, bot):
    @bot.event
    async def on_message(message):
        async with message.channel.typing():
            await asyncio.sleep(0)

    async with run(server, bot):
        await server.user("ada").say("hello")
        await server.until(lambda: server.ledger.requested("/channels/{channel_id}/typing"))
    assert tape.cells(semconv.RESPONSE_TIME) == {}
    assert tape.cells(semconv.MESSAGES_HANDLED) == {}


async def test_only_the_first_reply_is_timed(server, run, tape, bot):
    @bot.event
    async def on_message(message):
        if message.author.bot:
            return
        await message.channel.send("one")
        with server.faults.slow(0.2):
            await message.channel.send("two")

    async with run(server, bot):
        await server.user("ada").say("hello")
        await server.until(lambda: server.ledger.message_counts["bot"] == 2)
    assert tape.cells(semconv.RESPONSE_TIME) == {("loopback-bot", "message"): 1}
    assert tape.cells(semconv.MESSAGES_HANDLED) == {("loopback-bot", "message"): 1}
    assert tape.seconds(semconv.RESPONSE_TIME) < 0.2 <= tape.seconds(semconv.EVENT_DURATION, event="message")
    for metric in (semconv.EVENT_DURATION, semconv.RESPONSE_TIME):
        (exemplar,) = [
            exemplar
            for cell in tape.recorder.instrument(metric)
            if cell.attributes[semconv.EVENT] == "message"
            for exemplar in cell.exemplars.values()
        ]
        assert exemplar[2] == tape.root("message").trace


async def test_messages_in_direct_channels_have_no_guild(server, run, tape, bot, expected):
    @bot.event
    async def on_message(message):
        with trace.get_tracer("lib").start_as_current_span("work"):
            pass

    async with run(server, bot):
        ada = server.user("ada")
        await ada.dm("hello")
        tape.names[ada.direct_channel.id] = "direct"
    assert tape.show("message") == expected(
        f"""
        message (consumer) bot=loopback-bot event=message shard=0 channel=direct user=ada message=#
          {listener(on_message)}
            work
        """
    )


async def test_somebody_else_s_patch_is_kept(server, run, bot, tape, unshipped, monkeypatch, expected):
    """Sentry and its like patch `_run_event` too: what they have put there still runs, inside of ours."""
    watching.uninstrument()
    seen = []
    plain = discord.Client._run_event

    async def theirs(self, coro, event_name, *args, **kwargs):
        seen.append(event_name)
        return await plain(self, coro, event_name, *args, **kwargs)

    @bot.listen()
    async def on_message(message):
        if message.content == "fail":
            raise KeyError
        with trace.get_tracer("lib").start_as_current_span("work"):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(discord.Client, "_run_event", theirs)
        assert watching.instrument()
        unshipped.shipping = True
        async with run(server, bot):
            await server.user("ada").say("hello")
            await server.user("ada").say("fail")
        watching.uninstrument()
        assert discord.Client._run_event is theirs
    assert seen == ["on_message"] * 4
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          {listener(on_message)}
            work
        {MESSAGE} error=KeyError ERROR [KeyError]
          {listener(on_message)} error=KeyError ERROR [KeyError]
        """
    )
