"""Nothing of ours grows with the messages, and nothing of an event waits for the garbage collector."""

import asyncio
import contextlib
import gc
from collections import Counter

import discord
import pytest
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.gateway import watch_socket
from whisperwatch.demo.loopback import Frames


class Socket:
    """Takes what the client sends nowhere."""

    closed = False
    close_code = None

    async def send_str(self, data): ...

    async def close(self, *, code): ...


@contextlib.asynccontextmanager
async def fed(bot, *, watched):
    """A client that is fed with frames, without a connection."""
    frames = Frames()
    await bot._async_setup_hook()
    ws = DiscordWebSocket(Socket(), loop=asyncio.get_running_loop())
    ws.token, ws.shard_id, ws.shard_count = "", None, None
    ws._dispatch, ws._connection = bot.dispatch, bot._connection
    ws._discord_parsers = bot._connection.parsers
    bot.ws = ws
    bot._connection._chunk_guilds = False
    if watched:
        watch_socket(watching.bot_of(bot, "fed"), ws)
    for text in frames.welcome():
        await ws.received_message(text)
    yield frames, ws
    await bot.close()


class Own(commands.Bot):
    """A bot that does, by the text, what can leave something behind."""

    def __init__(self):
        super().__init__("!", intents=discord.Intents.all(), max_messages=2, guild_ready_timeout=0.01)

        @self.command()
        async def fine(ctx):
            await asyncio.sleep(0)

        @self.command()
        async def bad(ctx):
            raise RuntimeError

        @self.command()
        async def input(ctx, n: int): ...

        @self.command()
        async def wait(ctx):
            await self.wait_for("message", timeout=5)

        @self.tree.command()
        async def ask(press: discord.Interaction): ...

        @self.tree.command()
        async def wrong(press: discord.Interaction):
            raise RuntimeError

        @self.tree.error
        async def on_tree_error(press, error): ...

        @self.listen()
        async def on_message(message):
            if message.content == "nested":
                with trace.get_tracer("lib").start_as_current_span("work"):
                    await asyncio.sleep(0)
            if message.content == "raise":
                raise KeyError

    async def on_error(self, event, *args): ...

    async def on_command_error(self, ctx, error): ...


KINDS = {
    "plain": lambda frames: frames.message_create("hello"),
    "nested": lambda frames: frames.message_create("nested"),
    "raise": lambda frames: frames.message_create("raise"),
    "command": lambda frames: frames.message_create("!fine"),
    "failure": lambda frames: frames.message_create("!bad"),
    "user error": lambda frames: frames.message_create("!input x"),
    "unknown": lambda frames: frames.message_create("!nothing"),
    "wait": lambda frames: frames.message_create("!wait"),
    "slash": lambda frames: frames.interaction_create("ask"),
    "slash failure": lambda frames: frames.interaction_create("wrong"),
    "unheard": lambda frames: frames.typing_start(),
}


async def take(frames, ws, make, times):
    for _ in range(times):
        await ws.received_message(make(frames))
        while len(asyncio.all_tasks()) > 1:
            waiting = [
                t for t in asyncio.all_tasks() if t is not asyncio.current_task() and "wait" not in str(t)
            ]
            if not waiting and make is KINDS["wait"]:
                break
            await asyncio.sleep(0)
            if make is KINDS["wait"]:
                break


def ours():
    return Counter(
        type(each).__name__
        for each in gc.get_objects()
        if str(type(each).__module__).startswith("whisperwatch.bot")
    )


async def garbage_of(bot, make, watched, recorder):
    """Objects that only the collector frees, for 50 events."""
    async with fed(bot, watched=watched) as (frames, ws):
        await take(frames, ws, make, 30)
        await asyncio.sleep(0.01)
        gc.collect()
        gc.disable()
        try:
            await take(frames, ws, make, 50)
            await asyncio.sleep(0.01)
            recorder.take_spans(10_000)
            return gc.collect()
        finally:
            gc.enable()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wait"])
async def test_nothing_more_waits_for_the_collector_than_without_us(unshipped, kind):
    bare = await garbage_of(Own(), KINDS[kind], False, unshipped)
    watching.instrument()
    unshipped.shipping = True
    watched = await garbage_of(Own(), KINDS[kind], True, unshipped)
    assert watched - bare < 25, f"{watched} objects instead of {bare} in 50 events"


@pytest.mark.parametrize("deferring", [False, True])
async def test_messages_leave_nothing_behind(tape, deferring):
    tape.recorder.deferring = deferring
    try:
        async with fed(Own(), watched=True) as (frames, ws):

            async def some(times):
                for make in KINDS.values():
                    if make is not KINDS["wait"]:
                        await take(frames, ws, make, times)
                tape.recorder.take_spans(1_000_000)
                tape.recorder.take_cells()
                gc.collect()
                return ours(), len(tape.recorder.definitions)

            await some(20)
            before = await some(20)
            after = await some(200)
        assert after == before
    finally:
        tape.recorder.deferring = False


async def test_a_root_whose_task_never_ran_ends(tape, bot):
    """A task that is cancelled before its first step releases nothing."""

    @bot.event
    async def on_message(message): ...

    async with fed(bot, watched=True) as (frames, ws):
        await ws.received_message(frames.message_create("hello"))
        for task in asyncio.all_tasks():
            if task.get_name().startswith("discord.py: "):
                task.cancel()
        del task  # it holds what it was cancelled by, and that the frame
        await asyncio.sleep(0.01)
        gc.collect()
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("fed",): 1}
