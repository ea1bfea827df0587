"""`tasks.loop`: each run a root of its own, its outcome, its next run; and the loop itself as discord.py made it."""

import asyncio
import inspect

import pytest
from discord.ext import commands, tasks
from discord.ext.tasks import ExponentialBackoff
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.tasks import read_next_runs
from whisperwatch.demo.loopback import LoopbackDiscord


def name_of(loop):
    return loop.coro.__qualname__


@pytest.fixture
def runs(tape):
    return lambda: tape.cells(semconv.TASK_DURATION)


async def test_each_run_is_a_root_and_never_a_child_of_what_started_it(
    server, run, bot, tape, expected, runs
):
    tracer = trace.get_tracer("lib")

    @tasks.loop(seconds=0.01, count=2)
    async def tick(channel):
        with tracer.start_as_current_span("work"):
            await channel.send("tick")

    @tick.before_loop
    async def before():
        with tracer.start_as_current_span("before"):
            pass

    @tick.after_loop
    async def after():
        with tracer.start_as_current_span("after"):
            pass

    @bot.command()
    async def start(ctx):
        tick.start(ctx.channel)

    async with run(server, bot):
        await server.user("ada").say("!start")
        await server.until(lambda: tick._task is not None and tick._task.done())
    name = name_of(tick)
    route = "/channels/{channel_id}/messages"
    post = f"POST {route} (client) method=POST route={route} status=200 server=127.0.0.1"
    assert tape.show("before", "after", f"task {name}") == expected(
        f"""
        before
        task {name} bot=loopback-bot outcome=ok task={name}
          work
            {post}
        task {name} bot=loopback-bot outcome=ok task={name}
          work
            {post}
        after
        """
    )
    assert [span.name for span in tape.root("message").walk()] == ["message", "command start"]
    assert runs() == {("loopback-bot", name, "ok"): 2}
    assert not any(span.links for span in tape.spans())


async def test_a_failure(server, run, bot, tape, runs):
    raised = ValueError("hidden")
    seen = []

    @tasks.loop(seconds=0.01)
    async def tick():
        raise raised

    @tick.error
    async def on_error(error):
        seen.append(error)

    async with run(server, bot):
        task = tick.start()
        with pytest.raises(ValueError, match="hidden") as told:
            await task
    assert told.value is raised
    assert seen == [raised]
    assert tick.failed()
    assert runs() == {("loopback-bot", name_of(tick), "failure"): 1}
    assert tape.cells(semconv.EVENT_ERRORS) == {("loopback-bot", "task", "ValueError"): 1}
    root = tape.root(f"task {name_of(tick)}")
    assert (root.failed, root.attributes[semconv.ERROR_TYPE], root.attributes[semconv.OUTCOME]) == (
        True, "ValueError", "failure",
    )  # fmt: skip
    assert "hidden" not in str(root)


async def test_what_discord_py_swallows_and_tries_again(server, run, bot, tape, runs, monkeypatch):
    monkeypatch.setattr(ExponentialBackoff, "delay", lambda self: 0)
    errors = [OSError("one"), TimeoutError("two")]

    @tasks.loop(seconds=0.01, count=1)
    async def tick():
        if errors:
            raise errors.pop()

    async with run(server, bot):
        await tick.start()
    assert runs() == {("loopback-bot", name_of(tick), "failure"): 2, ("loopback-bot", name_of(tick), "ok"): 1}
    assert tape.cells(semconv.EVENT_ERRORS) == {
        ("loopback-bot", "task", "OSError"): 1, ("loopback-bot", "task", "TimeoutError"): 1,
    }  # fmt: skip


async def test_without_reconnect_it_ends(server, run, bot, runs):
    @tasks.loop(seconds=0.01, reconnect=False)
    async def tick():
        raise OSError

    @tick.error
    async def on_error(error): ...

    async with run(server, bot):
        with pytest.raises(OSError):  # noqa: PT011 - it is the type that matters
            await tick.start()
    assert runs() == {("loopback-bot", name_of(tick), "failure"): 1}


async def test_cancel_stop_restart_and_change_interval(server, run, bot, runs, tape):
    began = []

    @tasks.loop(seconds=0.01)
    async def tick():
        began.append(tick.current_loop)
        if len(began) == 1:
            await asyncio.Event().wait()
        if len(began) == 3:
            tick.change_interval(seconds=0.02)
        if len(began) == 5:
            tick.stop()

    plain = tick.coro
    async with run(server, bot):
        tick.start()
        await server.until(lambda: began)
        tick.restart()
        await server.until(lambda: len(began) == 5 and not tick.is_running())
        assert tick.coro is plain
        assert tick.seconds == 0.02
        tick.start()
        await server.until(lambda: len(began) >= 7)
        tick.cancel()
        await server.until(lambda: not tick.is_running())
    assert tick.coro is plain
    assert began[:6] == [0, 0, 1, 2, 3, 0]
    counts = runs()
    assert counts["loopback-bot", name_of(tick), "cancelled"] == 1
    assert counts["loopback-bot", name_of(tick), "ok"] == len(began) - 1
    assert not any(span.failed for span in tape.spans())


async def test_cancelled_before_its_first_step(server, run, bot, runs):
    @tasks.loop(seconds=0.01)
    async def tick(): ...

    plain = tick.coro
    async with run(server, bot):
        tick.start()
        tick.cancel()
        await server.until(lambda: not tick.is_running())
    assert tick.coro is plain
    assert runs() == {}


async def test_while_it_runs_it_can_be_called_and_copied(server, run, bot, runs, tape):
    seen = []

    class Own(commands.Cog):
        @tasks.loop(seconds=30)
        async def tick(self):
            """Its words."""
            seen.append(self)

        @commands.command()
        async def now(self, ctx):
            await self.tick()
            assert inspect.iscoroutinefunction(self.tick.coro)
            assert self.tick.coro.__doc__ == "Its words."

    cog = Own()
    await bot.add_cog(cog)
    async with run(server, bot):
        cog.tick.start()
        await server.until(lambda: seen)
        await server.user("ada").say("!now")
        await server.until(lambda: len(seen) == 2)
        copy = _copy(cog.tick)
        await copy()
        cog.tick.cancel()
    assert seen == [cog, cog, "somebody else"]
    assert runs() == {
        ("loopback-bot", "test_while_it_runs_it_can_be_called_and_copied.<locals>.Own.tick", "ok"): 1
    }
    assert [span.name for span in tape.root("message").walk()] == ["message", "command now"], (
        "a call is no run"
    )


class Holder:
    """Something that a loop can be copied onto."""


def _copy(loop):
    holder = Holder()
    copy = loop.__get__(holder, Holder)
    copy._injected = "somebody else"
    return copy


async def test_a_copy_of_a_running_loop_runs_for_itself(server, run, bot, runs):
    seen = []

    @tasks.loop(seconds=30)
    async def tick(*who):
        seen.append(who)

    async with run(server, bot):
        tick.start()
        await server.until(lambda: seen)
        copy = _copy(tick)
        copy.start()
        await server.until(lambda: len(seen) == 2)
        copy.cancel()
        tick.cancel()
    assert seen == [(), ("somebody else",)]
    assert runs() == {("loopback-bot", name_of(tick), "ok"): 2}


async def test_the_next_run(server, run, bot, tape):
    ran = []

    @tasks.loop(seconds=30)
    async def tick():
        ran.append(1)

    async with run(server, bot):
        tick.start()
        await server.until(lambda: ran)
        read_next_runs()
        (delay,) = tape.cells(semconv.TASK_NEXT_RUN).values()
        assert 29 < delay <= 30
        tick.cancel()
        await server.until(lambda: not tick.is_running())
        read_next_runs()
    assert tape.cells(semconv.TASK_NEXT_RUN).keys() == {("loopback-bot", name_of(tick))}


async def test_a_loop_started_before_the_bot_is_named(server, run, bot, runs):
    @tasks.loop(seconds=0.01, count=3)
    async def tick():
        await bot.wait_until_ready()

    plain = type(bot).setup_hook

    async def setup_hook():
        tick.start()
        await plain(bot)

    bot.setup_hook = setup_hook
    async with run(server, bot):
        await server.until(lambda: tick._task.done())
    assert runs() == {("loopback-bot", name_of(tick), "ok"): 3}


async def test_loops_of_two_bots_stay_apart(run, make_bot, tape, runs):
    async with LoopbackDiscord() as one, LoopbackDiscord() as two:
        two.bot.name = "other-bot"

        class Own(commands.Cog):
            def __init__(self, bot):
                self.bot = bot

            @tasks.loop(seconds=0.01, count=2)
            async def tick(self): ...

            @tick.before_loop
            async def before(self):
                await self.bot.wait_until_ready()

        def loop_of(client):
            @tasks.loop(seconds=0.01, count=1)
            async def plain(): ...

            @client.listen()
            async def on_ready():
                plain.start()

            return plain

        first, second = make_bot(), make_bot()
        cogs = [Own(first), Own(second)]
        plain = [loop_of(first), loop_of(second)]
        async with run(one, first), run(two, second):
            for cog in cogs:
                cog.tick.start()
            await one.until(
                lambda: all(p._task and p._task.done() for p in (*plain, *(c.tick for c in cogs)))
            )
    tick, loop = name_of(cogs[0].tick), name_of(plain[0])
    assert runs() == {
        ("loopback-bot", loop, "ok"): 1,
        ("other-bot", loop, "ok"): 1,
        ("loopback-bot", tick, "ok"): 2,
        ("other-bot", tick, "ok"): 2,
    }


async def test_a_run_after_uninstrument_is_not_watched(server, run, bot, runs):
    @tasks.loop(count=2)
    async def tick():
        watching.uninstrument()

    async with run(server, bot):
        await tick.start()
    assert runs() == {("loopback-bot", name_of(tick), "ok"): 1}
