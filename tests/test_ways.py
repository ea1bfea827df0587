"""The three ways to watch a bot, each with a bot's process, the loopback Discord and the watcher's own /metrics."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.loopback import LoopbackDiscord

BIN = Path(sys.executable).parent
PATIENCE_S = 40
BOT = """\
import os
import discord
from discord.ext import commands
from whisperwatch.demo.loopback import pointing

bot = commands.Bot("!", intents=discord.Intents.all())

@bot.command()
async def ping(ctx):
    await ctx.reply("pong")
{line}
with pointing(int(os.environ["DISCORD_PORT"])):
    bot.run(os.environ["DISCORD_TOKEN"])
print("the last line")
"""
ONE_LINE = "\nimport whisperwatch\nwhisperwatch.watch(bot)\n"


@dataclass(frozen=True)
class Way:
    words: tuple[str, ...]
    line: str = ""


WAYS = {
    "run": Way((str(BIN / "whisperwatch"), "run", "bot.py")),
    "run -m": Way((str(BIN / "whisperwatch"), "run", "-m", "bot")),
    "watch": Way((sys.executable, "bot.py"), ONE_LINE),
    "run and watch": Way((str(BIN / "whisperwatch"), "run", "bot.py"), ONE_LINE),
    "opentelemetry-instrument": Way((str(BIN / "opentelemetry-instrument"), sys.executable, "bot.py")),
}


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as server:
        yield server


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_a_command_is_on_metrics(way: Way, discord: LoopbackDiscord, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT.format(line=way.line))
    port = free_port()
    bot = await asyncio.create_subprocess_exec(
        *way.words,
        cwd=tmp_path,
        env=environment(discord, port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await until(lambda: bot.returncode is not None or discord.ledger.connected("ready"))
        asked = await discord.user("ada").say("!ping")
        assert (await discord.reply_to(asked)).content == "pong"
        ran = await read_until(f"http://127.0.0.1:{port}/metrics", commands_that_ran)
        assert ran == {("loopback-bot", "ping", "prefix", "ok"): 1.0}
        bot.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(bot.communicate(), PATIENCE_S)
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.communicate()
    assert (bot.returncode, out) == (0, b"the last line\n"), err.decode()
    assert b"Traceback" not in err
    assert (tmp_path / ".whisperwatch" / "key").exists()


def environment(discord: LoopbackDiscord, port: int) -> dict[str, str]:
    ours = ("PYTHON", "WHISPERWATCH", "OTEL", "HEALTH")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "DISCORD_PORT": str(discord.port),
        "DISCORD_TOKEN": discord.token,
        "HEALTH_CHECK_PORT": str(port),
        "WHISPERWATCH_LINGER": "0s",
    }


def commands_that_ran(metrics: str) -> dict[tuple[str, ...], float]:
    """How often, by bot, command, kind and outcome."""
    keys = ("bot_name", "discord_command_name", "discord_command_kind", "outcome")
    return {
        tuple(sample.labels[key] for key in keys): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "discord_command_duration_seconds_count" and sample.value
    }


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what it waits for is in another process
            await asyncio.sleep(0.02)


async def read_until(url: str, found: Callable[[str], Any]) -> Any:
    """What is found in a URL's answer, once there is something."""
    text = "nothing"
    async with aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        text = await (await session.get(url)).text()
                        if answer := found(text):
                            return answer
                    except aiohttp.ClientError as error:
                        text = str(error)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"{url} never said so; at last it said:\n{text}")
