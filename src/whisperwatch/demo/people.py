"""The synthetic users together: who they are, that they come, and that they leave."""

from __future__ import annotations

import asyncio
import random

from whisperwatch.demo import sayings
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.loopback.guilds import ChannelType
from whisperwatch.demo.truth import Truth
from whisperwatch.demo.visitor import Visitor

MOST = len(sayings.NAMES)


class People:
    """So many users, the first of them a moderator; what each does follows from the seed."""

    def __init__(
        self,
        discord: LoopbackDiscord,
        number: int,
        *,
        seed: int = 7,
        pause_s: float = 1.5,
        truth: Truth | None = None,
    ) -> None:
        self.discord = discord
        self.truth = truth or Truth()
        self._names = sayings.NAMES[:number]
        self._seed = seed
        self._pause_s = pause_s
        self._leaving = asyncio.Event()
        self._lives: list[asyncio.Task[None]] = []

    async def come(self) -> None:
        """They begin."""
        channels = [
            channel
            for guild in self.discord.guilds
            for channel in guild.channels.values()
            if channel.type is ChannelType.TEXT
        ]
        for number, name in enumerate(self._names):
            person = self.discord.user(name)
            if number == 0:
                for guild in self.discord.guilds:
                    await person.get_role("admin", guild)
            dice = random.Random(f"{self._seed}-{name}")
            visitor = Visitor(
                person, self.discord, self.truth, dice, channels, moderator=number == 0, pause_s=self._pause_s
            )
            self._lives.append(asyncio.create_task(visitor.live(self._leaving), name=f"user {name}"))

    async def failed(self) -> None:
        """Wait until one of them breaks: an error of the demo itself, raised here."""
        if self._lives:
            done, _ = await asyncio.wait(self._lives, return_when=asyncio.FIRST_EXCEPTION)
            for life in done:
                life.result()

    async def leave(self) -> None:
        """They end what they have begun, and leave."""
        self._leaving.set()
        await asyncio.gather(*self._lives)

    async def vanish(self) -> None:
        """They are gone at once."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
