"""What the demo bot's admins ask it, in the loopback Discord, and what they are answered."""

from __future__ import annotations

import time
from dataclasses import dataclass

from whisperwatch.demo.loopback import Interaction, LoopbackDiscord, Message, Person
from whisperwatch.demo.loopback.people import Where

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its answers: one message, or two where the answer itself goes by direct message.

    Attributes:
        said: what was typed, such as `!health` or `/watch health view:detailed`.
        took: seconds until the first answer.
    """

    said: str
    who: Person
    answers: tuple[Message, ...]
    took: float

    @property
    def answer(self) -> Message:
        """The answer itself."""
        return self.answers[-1]


class Admins:
    """Asks as somebody. Every method raises TimeoutError where no answer comes."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        self._discord = discord

    async def says(self, who: Person, text: str, where: Where) -> Asked:
        """In a channel; what is private comes by direct message too."""
        before = {message.id for message in self._direct(who)}
        begun = time.monotonic()
        message = await who.say(text, where)
        first = await self._discord.reply_to(message, PATIENCE_S)
        took = time.monotonic() - begun
        sent = (message for message in self._direct(who) if message.id not in before)
        return Asked(text, who, (first, *sent), took)

    async def writes(self, who: Person, text: str) -> Asked:
        """In a direct message."""
        begun = time.monotonic()
        answer = await self._discord.reply_to(await who.dm(text), PATIENCE_S)
        return Asked(text, who, (answer,), time.monotonic() - begun)

    async def uses(self, who: Person, command: str, /, **values: object) -> Asked:
        """By slash command, in the first guild."""
        begun = time.monotonic()
        return await self._replied(
            await who.slash(command, None, **values),
            " ".join([f"/{command}", *(f"{name}:{value}" for name, value in values.items())]), who, begun,
        )  # fmt: skip

    async def presses(self, asked: Asked, label: str) -> Asked:
        """A button below an answer."""
        begun = time.monotonic()
        clicked = await asked.who.click(asked.answer, label)
        return await self._replied(clicked, f"{asked.said} [{label}]", asked.who, begun)

    async def _replied(self, interaction: Interaction, said: str, who: Person, begun: float) -> Asked:
        answer = await self._discord.reply_to(interaction, PATIENCE_S)
        return Asked(said, who, (answer,), time.monotonic() - begun)

    def _direct(self, who: Person) -> list[Message]:
        return [one for one in self._discord.core.world.history(who.direct_channel) if one.author.bot]
