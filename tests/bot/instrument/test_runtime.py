"""The loop's lag, the garbage collector's pauses, and a blocked loop's place in the trace."""

import asyncio
import gc
import threading
import time

import discord
import pytest
from discord.ext import tasks

from whisperwatch import semconv
from whisperwatch.bot.instrument.marking import mark_blocked
from whisperwatch.bot.instrument.runtime import INTERVAL_S, pulse


async def test_loop_lag(server, run, bot, tape):
    async with run(server, bot):
        turns = tape.cells(semconv.LOOP_LAG)[()]
        await server.until(lambda: tape.cells(semconv.LOOP_LAG)[()] > turns)
        before = tape.seconds(semconv.LOOP_LAG)
        time.sleep(0.2)  # noqa: ASYNC251 - blocking the loop is the point
        last = pulse.last_turn_ns
        await server.until(lambda: pulse.last_turn_ns > last)
        assert tape.seconds(semconv.LOOP_LAG) - before >= 0.2 - INTERVAL_S
        assert pulse.thread_id == threading.get_ident()
        assert not pulse.closed
    assert INTERVAL_S <= 0.05


async def test_another_loop_is_watched_when_a_bot_starts_in_it(server, run, make_bot, tape):
    async with run(server, make_bot()):
        first = pulse._loop

    def elsewhere():
        async def turn():
            pulse.start(asyncio.get_running_loop())
            await asyncio.sleep(0.01)

        asyncio.run(turn())

    await asyncio.to_thread(elsewhere)
    assert pulse._loop is not first
    assert pulse.closed, "that loop has ended"


async def test_the_garbage_collector(server, run, bot, tape):
    async with run(server, bot):
        before = tape.cells(semconv.GC_COLLECTIONS).get(("2",), 0)
        gc.collect()
        gc.collect()
    assert tape.cells(semconv.GC_COLLECTIONS)["2",] >= before + 2
    assert tape.cells(semconv.GC_PAUSE)["2",] >= 2
    assert tape.seconds(semconv.GC_PAUSE) > 0


def told_from_another_thread(seconds=1.5):
    """As `ship` does while the loop's thread stands still."""
    pulse.last_turn_ns = time.monotonic_ns() - int(seconds * 1e9)
    told(seconds)


def told(seconds):
    frames = (("bot.py", 3, "outer"), ("slow.py", 7, "hash_it"))
    thread = threading.Thread(target=mark_blocked, args=(frames, seconds))
    thread.start()
    thread.join()


@pytest.mark.parametrize("how", ["command", "listener", "slash", "component"])
async def test_what_blocks_the_loop_is_named_in_its_trace(server, run, bot, tape, how):
    class Panel(discord.ui.View):
        @discord.ui.button(label="x")
        async def press(self, press, button):
            told_from_another_thread()

    @bot.command()
    async def command(ctx):
        told_from_another_thread()

    @bot.command()
    async def panel(ctx):
        await ctx.send("panel", view=Panel())

    @bot.tree.command()
    async def slash(press: discord.Interaction):
        told_from_another_thread()

    @bot.listen()
    async def on_message(message):
        if message.content == "block":
            told_from_another_thread()

    async with run(server, bot):
        ada = server.user("ada")
        if how == "command":
            await ada.say("!command")
        elif how == "listener":
            await ada.say("block")
        elif how == "slash":
            await ada.slash("slash")
        else:
            await ada.click(await server.reply_to(await ada.say("!panel")))
    marked = [span for span in tape.spans() if semconv.LOOP_BLOCKED_AT in span.attributes]
    assert [span.name for span in marked] == ["message" if how in ("command", "listener") else "interaction"]
    assert not marked[0].parent
    assert marked[0].attributes[semconv.LOOP_BLOCKED_AT] == "slow.py:7 hash_it"
    assert 1.5 <= marked[0].attributes[semconv.LOOP_BLOCKED_FOR] < 2.5


async def test_how_long_it_was_blocked_is_right_though_nobody_looked_again_before_the_root_ended(
    server, run, bot, tape
):
    @bot.command()
    async def block(ctx):
        told_from_another_thread(0.3)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            pass

    async with run(server, bot):
        await server.user("ada").say("!block")
    (marked,) = [span for span in tape.spans() if semconv.LOOP_BLOCKED_AT in span.attributes]
    assert 0.8 <= marked.attributes[semconv.LOOP_BLOCKED_FOR] < 1.8


async def test_the_end_of_a_block_is_told_to_the_root_that_blocked(server, run, bot, tape):
    """By then the loop may be at work for another event."""
    over = asyncio.Event()

    @bot.command()
    async def slow(ctx):
        told_from_another_thread()
        await over.wait()

    @bot.command()
    async def quick(ctx):
        pulse.last_turn_ns = time.monotonic_ns()
        told(2.25)
        over.set()

    async with run(server, bot):
        await server.user("ada").say("!slow")
        await server.user("ada").say("!quick")
    marked = {
        span.name: root.attributes.get(semconv.LOOP_BLOCKED_FOR)
        for root in tape.roots("message")
        for span in root.children
    }
    assert marked == {"command slow": 2.25, "command quick": None}


async def test_a_block_of_nobody_s_is_not_an_older_event_s(server, run, bot, tape):
    over = asyncio.Event()

    blocked = asyncio.Event()

    @bot.command()
    async def slow(ctx):
        told_from_another_thread()
        blocked.set()
        await over.wait()

    async with run(server, bot):
        await server.user("ada").say("!slow")
        await blocked.wait()
        pulse.last_turn_ns = time.monotonic_ns()
        told(1.5)  # the end
        told_from_another_thread(9.0)
        pulse.last_turn_ns = time.monotonic_ns()
        told(9.5)
        over.set()
    (root,) = tape.roots("message")
    assert root.attributes[semconv.LOOP_BLOCKED_FOR] == 1.5


def test_a_loop_that_is_let_go_and_watched_again_is_felt_once():
    scheduled = []

    class Loop:
        time = staticmethod(time.monotonic)

        def call_at(self, when, callback, *args):
            scheduled.append((callback, args))

    loop = Loop()
    pulse.stop()
    pulse.start(loop)
    pulse.stop()
    pulse.start(loop)
    due, scheduled[:] = scheduled[:], []
    for callback, args in due:
        callback(*args)
    pulse.stop()
    assert (len(due), len(scheduled)) == (2, 1)


async def test_a_loop_of_tasks_that_blocks(server, run, bot, tape):
    @tasks.loop(count=1)
    async def tick():
        told_from_another_thread()
        told_from_another_thread(2.25)

    async with run(server, bot):
        await tick.start()
        told_from_another_thread()  # nobody's
    (root,) = tape.roots(f"task {tick.coro.__qualname__}")
    assert 2.25 <= root.attributes[semconv.LOOP_BLOCKED_FOR] < 3.25
