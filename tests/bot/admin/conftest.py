"""Real bots on a loopback Discord, watched, with a real watcher in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

from whisperwatch.bot import saying, voyage
from whisperwatch.bot import watch as watching
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord, Message, Person

PATIENCE_S = 30.0


class Bot(commands.Bot):
    """Has a command, a help command, and remembers what went wrong in its handler's eyes."""

    def __init__(self, prefix: Any = "!", **options: Any) -> None:
        super().__init__(prefix, **{"intents": discord.Intents.all(), "guild_ready_timeout": 0.02, **options})
        self.errors: list[tuple[str, str]] = []
        self.invoked: list[str] = []

        @self.command(help="says pong")
        async def ping(ctx: commands.Context[Any]) -> None:
            await ctx.reply("pong")

    async def on_command_error(self, ctx: Any, error: commands.CommandError, /) -> None:
        self.errors.append((type(error).__name__, str(error)))
        await ctx.send(f"error: {error}")

    async def on_command(self, ctx: Any) -> None:
        self.invoked.append(ctx.command.qualified_name)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between IDENTIFYs."""


class Client(discord.Client):
    """No commands, no tree; sees raw interactions."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.02)
        self.interactions: list[Any] = []

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.interactions.append(interaction)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between IDENTIFYs."""


@pytest.fixture
def make_bot() -> type[Bot]:
    return Bot


@pytest.fixture
def make_client() -> type[Client]:
    return Client


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    """Two guilds; each has an owner and the same people; of the first one's `owner` is the application."""
    plans = [GuildPlan("home"), GuildPlan("elsewhere", ("general",), (), "stranger")]
    async with LoopbackDiscord(plans) as running:
        yield running


@pytest.fixture
def watcher(
    recording: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: LoopbackDiscord
) -> Iterator[Path]:
    """discord.py is instrumented, with a watcher; the state directory. `ADMIN_GUILD_ID` is the guild `home`."""
    state = tmp_path / "state"
    for name in [*os.environ]:
        if name.startswith(("ADMIN_", "WHISPERWATCH_", "HEALTH_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(state))
    monkeypatch.setenv("WHISPERWATCH_LINGER", "1")
    monkeypatch.setenv("HEALTH_CHECK_PORT", "0")
    monkeypatch.setenv("ADMIN_GUILD_ID", str(server.guild("home").id))
    assert watching.instrument()
    yield state
    watching.uninstrument()
    saying.said.clear()
    for pid in watchers_of(state):
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def run(watcher: Path, server: LoopbackDiscord) -> Callable[..., Any]:
    """Runs a client until the block is over, from when a watcher has welcomed it."""

    @contextlib.asynccontextmanager
    async def running(client: discord.Client) -> AsyncIterator[None]:
        async with server.running(client):
            await asyncio.wait_for(client.wait_until_ready(), 10)
            await until(lambda: voyage._ship is not None and voyage._ship.welcome)
            if desk.open:
                await well()
            yield

    return running


async def well() -> None:
    """Until the watcher has seen the shards that are ready: then nothing is wrong, but for intents that are missing."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await desk.ask("health", {})
            if answer.get("status") == "healthy" or "Intents missing" in answer["text"]:
                return
            await asyncio.sleep(0.02)


async def told(question: str, text: str, **arguments: Any) -> None:
    """Until an answer says it: the store commits each second."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if text in (await desk.ask(question, arguments))["text"]:
                return
            await asyncio.sleep(0.05)


async def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what it waits for is in another process
            await asyncio.sleep(0.01)


def watchers_of(state: Path) -> list[int]:
    """The watchers that bots have started for a state directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"--connection" in command and os.fsencode(state) in command:
                found.append(int(process.name))
    return found


@pytest.fixture
def ask(server: LoopbackDiscord) -> Callable[..., Any]:
    """Says something, and returns the bot's answer."""

    async def ask(person: Person | str, text: str, where: Any = None) -> Message:
        who = server.user(person) if isinstance(person, str) else person
        return await server.reply_to(await who.say(text, where), timeout=15)

    return ask
