"""A loopback Discord for each test, and a bot with a bit of everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.ext import commands

from whisperwatch.demo.loopback import LoopbackDiscord


class Bot(commands.Bot):
    """Syncs its tree, reconnects without discord.py's pauses, and remembers the events that reached it."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        options.setdefault("guild_ready_timeout", 0.05)
        super().__init__("!", intents=intents or discord.Intents.all(), **options)
        self.heard: list[str] = []
        self.texts: list[str] = []

    async def setup_hook(self) -> None:
        if self.tree.get_commands():
            await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No five seconds between IDENTIFYs."""

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        self.heard.append(event_name)
        super().dispatch(event_name, *args, **kwargs)

    async def on_message(self, message: discord.Message) -> None:
        self.texts.append(message.content)
        await self.process_commands(message)


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with LoopbackDiscord() as running:
        yield running


@pytest.fixture
def make_bot() -> type[Bot]:
    return Bot


@pytest.fixture
def bot() -> Bot:
    made = Bot()

    @made.command()
    async def ping(ctx: commands.Context[Bot]) -> None:
        await ctx.reply("pong")

    return made
