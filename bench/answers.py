"""How long an admin waits for each answer in Discord, and what answering takes of the bot's loop.

    python -m bench.answers [--days N] [--rounds N] [--prometheus PROGRAM]

A bot on a loopback Discord whose watcher has `bench.month`'s store, or asks a Prometheus with the same series (the
program is started; `make stack-tools` builds one). From when a command is used to when its answer is there, over real
HTTP and a real websocket, both ends in this process. Then the processor time that the steps of the answering task take
on the bot's loop, and what discord.py alone takes to send the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import discord
import psutil
from discord.ext import commands

from bench import month_in_prometheus
from bench.month import DAYS, Month
from whisperwatch.bot import voyage, watch
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.bot.admin.posting import Post
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord
from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.questions import GROUPS, slash_payload

_ANSWERING = "_apart"
_SENDING = "_send"
"""Coroutines: what `desk.work` runs, and the same without us."""
QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("health", {}), ("health", {"view": "detailed"}), ("performance", {}), ("performance", {"view": "response-times"}),
    ("performance", {"view": "history"}), ("performance", {"view": "component", "name": "discord"}),
    ("performance", {"view": "resources"}), ("performance", {"view": "bottlenecks"}),
    ("performance", {"view": "capacity-planning"}), ("performance", {"view": "memory-analysis"}), ("engagement", {}),
    ("cost", {}), ("top", {}), ("cache", {}), ("memory", {}), ("logs", {}), ("config", {"action": "monitoring"}),
)  # fmt: skip
PERIODS = ("1h", "7d", "30d")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--messages", type=int, default=20_000, help="of the last day, whose traces are kept")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prometheus", help="the program")
    given = parser.parse_args()
    now = int(time.time()) // 3600 * 3600
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        state.mkdir(mode=0o700)
        os.environ |= {
            "WHISPERWATCH_STATE_DIR": str(state), "HEALTH_CHECK_PORT": "0", "WHISPERWATCH_LINGER": "1",
            "OTEL_SERVICE_NAME": month_in_prometheus.SERVICE,
        }  # fmt: skip
        asyncio.run(_fill(state / "store.db", given.days, given.messages, now))
        if given.prometheus is None:
            asyncio.run(_ask_all(given.rounds))
            return
        with month_in_prometheus.running(given.prometheus, Path(folder)) as prometheus:
            print(f"a Prometheus is filled with {given.days} days", flush=True)
            month_in_prometheus.send(prometheus.url, given.days, now)
            os.environ["PROMETHEUS_URL"] = prometheus.url
            asyncio.run(_ask_all(given.rounds))


async def _fill(path: Path, days: int, messages: int, now: int) -> None:
    month = Month(path, now)
    await month.store.open()
    await month.change(0)
    await month.load(days)
    await month.trace(messages)
    await month.store.stop()


async def _ask_all(rounds: int) -> None:
    spent: dict[str, float] = {}
    asyncio.get_running_loop().set_task_factory(_timing(spent))
    desk._pace = Pace(10_000)
    server = LoopbackDiscord([GuildPlan("home")])
    async with server:
        guild = server.guild("home").id
        os.environ["ADMIN_GUILD_ID"] = str(guild)
        assert watch.instrument()
        server.core.application.register(guild, slash_payload())
        bot = commands.Bot("!", intents=discord.Intents.all(), guild_ready_timeout=0.02)
        async with server.running(bot):
            await bot.wait_until_ready()
            await server.until(lambda: voyage._ship is not None and voyage._ship.welcome, 30)
            for question, arguments in _questions():
                await _report(server, bot, spent, question, arguments, rounds)
        watch.uninstrument()


def _questions() -> Iterator[tuple[str, dict[str, str]]]:
    for question, arguments in QUESTIONS:
        periods = PERIODS if question not in ("health", "logs", "config") else ("",)
        for period in periods:
            yield question, {**arguments, **({"period": period} if period else {})}


async def _report(
    server: LoopbackDiscord,
    bot: Any,
    spent: dict[str, float],
    question: str,
    given: dict[str, str],
    rounds: int,
) -> None:
    waited, answering, sending, watcher = [], [], [], []
    owner = server.user("owner")
    for _ in range(rounds):
        spent.clear()
        before, began = _children_s(), time.perf_counter()
        interaction = await owner.slash(f"{GROUPS[0]} {question}", None, **given)
        await server.until(partial(_is_answered, interaction), 15)
        waited.append(time.perf_counter() - began)
        watcher.append(_children_s() - before)
        await asyncio.sleep(0.02)
        answering.append(spent.get(_ANSWERING, 0.0))
        post = Post.of(await desk.ask(question, {**given, "by": str(owner.id)}))
        channel = bot.get_channel(server.channel("general").id)
        await asyncio.create_task(_send(channel, post))
        sending.append(spent.get(_SENDING, 0.0))
    words = " ".join([question, *given.values()])
    files = sum(len(content) for _, content in post.files)
    told = [
        f"{words:<42} {_ms(waited)}, most {max(waited) * 1e3:6.0f}", f"the watcher {_ms(watcher)}",
        f"the loop {_ms(answering)} where discord.py takes {_ms(sending)}",
        *([f"a picture of {files / 1e3:.0f} kB"] if files else []),
    ]  # fmt: skip
    print("; ".join(told), flush=True)


def _children_s() -> float:
    """Processor time of the watcher and its worker."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


async def _send(channel: Any, post: Post) -> None:
    """What discord.py does for an answer to a slash command: a first response, and the answer itself."""
    message = await channel.send("…")
    await message.edit(embeds=post.embeds, attachments=post.attachments())


def _is_answered(interaction: Interaction) -> bool:
    return bool(interaction.replies and interaction.replies[0].embeds)


def _timing(spent: dict[str, float]) -> Callable[..., asyncio.Task[Any]]:
    """A task factory that adds up what the steps of named tasks take of a processor."""

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        name = coroutine.__name__
        if name in (_ANSWERING, _SENDING):
            coroutine = _timed(coroutine, spent, name)
        return asyncio.Task(coroutine, loop=loop, **options)

    return make


@types.coroutine
def _timed(inner: Coroutine[Any, Any, Any], spent: dict[str, float], name: str) -> Generator[Any, Any, Any]:
    step: Callable[[], Any] = partial(inner.send, None)
    while True:
        began = time.thread_time()
        try:
            waits_for = step()
        except StopIteration as done:
            return done.value
        finally:
            spent[name] = spent.get(name, 0.0) + time.thread_time() - began
        try:
            yield waits_for
            step = partial(inner.send, None)
        except BaseException as error:
            step = partial(inner.throw, error)


def _ms(times: list[float]) -> str:
    return f"{statistics.median(times) * 1e3:7.1f} ms"


if __name__ == "__main__":
    main()
