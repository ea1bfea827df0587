"""What is asked for the gallery, in what order, and when: the people go on meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from whisperwatch.bot.admin.pace import AT_ONCE, Pace
from whisperwatch.demo.admins import Admins, Asked
from whisperwatch.demo.gallery.page import Shown
from whisperwatch.demo.loopback import Message
from whisperwatch.demo.problem import DemoError
from whisperwatch.demo.stage import Stage

_HARBOUR: Final = "general"
_PLAIN: Final = "Attic"
"""The guild where the bot may not send embeds."""
EMBED_LINKS: Final = 1 << 14
_TRIES: Final = 4
_LONGEST_S: Final = 120.0
"""Of what is asked for one picture: what takes longer won't come."""
_FAILING_S: Final = 45.0
"""So long the model fails before it is asked how the bot is."""


@dataclass
class Picture:
    """One picture of the gallery. `name` is the file's, without its ending."""

    name: str
    title: str
    about: str
    messages: list[Shown | str] = field(default_factory=list)


class Sitting:
    """Asks as the bot's owner, no faster than an admin may.

    Args:
        stage: with the people on it.
        trace_id: the trace that is shown.
    """

    def __init__(self, stage: Stage, trace_id: str) -> None:
        self._stage, self._trace_id = stage, trace_id
        self._admins = Admins(stage.discord)
        self._owner = stage.discord.user("owner")
        self._pace = Pace(AT_ONCE - 2)  # the bot's own, but for what is on its way

    @property
    def planned(self) -> Sequence[Picture]:
        """The pictures, of which nothing has been asked yet."""
        return (
            Picture("health", "Is it well?", "One word first, then what is wrong. Here nothing is."),
            Picture(
                "performance", "How fast is it?", "A sentence, then the figures, in brackets their change."
            ),
            Picture("history", "How did it go?", "The picture comes where the extra `charts` is installed."),
            Picture(
                "bottlenecks", "What takes the time?", "By the critical paths of messages; and what to do."
            ),
            Picture(
                "capacity",
                "What runs out?",
                "What is full first, what to set to what, and whether memory leaks.",
            ),
            Picture("usage", "Who uses it?", "By `/watch`, whose answers only the asker sees."),
            Picture(
                "cost",
                "What does it cost, and who takes most?",
                "Names of servers are the owner's alone to see.",
            ),
            Picture("logs", "What did it log?", "Logs and traces go to who asked alone, by direct message."),
            Picture(
                "settings", "What is it set to?", "A change is kept over restarts, and is a security event."
            ),
            Picture("trouble", "What is wrong?", "The same bot, its language model failing."),
            Picture(
                "words", "What else it says", "To those who may not, who mistype, and where it may not embed."
            ),
            Picture(
                "silence", "When the monitor is gone", "The bot says so by itself, within three seconds."
            ),
        )

    async def ask(self, picture: Picture) -> None:
        """Fill one in.

        Raises:
            DemoError: it takes too long; it says which, and what was waited for.
        """
        await within(_LONGEST_S, picture.name, getattr(self, f"_{picture.name}")(picture))

    # --- the pictures -----------------------------------------------------------------------------------------

    async def _health(self, made: Picture) -> None:
        made.messages += await self._says("!health")
        made.messages += await self._uses("watch health", view="detailed")

    async def _performance(self, made: Picture) -> None:
        made.messages += await self._says("!performance --period 5m")
        made.messages += await self._says("!performance component llm --period 5m")

    async def _history(self, made: Picture) -> None:
        made.messages += await self._drawn("!performance history --period 5m")
        made.messages += await self._drawn("!performance resources --period 5m")

    async def _bottlenecks(self, made: Picture) -> None:
        made.messages += await self._says("!performance bottlenecks")
        made.messages += await self._says("!performance response-times --period 5m")

    async def _capacity(self, made: Picture) -> None:
        made.messages += await self._says("!performance capacity-planning")
        made.messages += await self._says("!performance memory-analysis")

    async def _usage(self, made: Picture) -> None:
        for question in ("engagement", "cache", "memory"):
            made.messages += await self._uses(f"watch {question}", period="5m")

    async def _cost(self, made: Picture) -> None:
        for question in ("cost", "top"):
            made.messages += await self._uses(f"watch {question}", period="5m")

    async def _logs(self, made: Picture) -> None:
        made.messages += await self._says("!logs --level error --lines 4")
        made.messages += await self._writes(f"!trace {self._trace_id}")
        made.messages += await self._writes("!logs export --level error")

    async def _settings(self, made: Picture) -> None:
        made.messages += await self._uses("watch config", action="get", name="DATABASE_POOL_SIZE")
        made.messages += await self._uses("watch config", action="set", name="DATABASE_POOL_SIZE", value="20")
        made.messages += await self._uses("watch config", action="monitoring")

    async def _trouble(self, made: Picture) -> None:
        temper = self._stage.model.temper
        temper.failure_rate = 1.0
        try:
            await asyncio.sleep(_FAILING_S)
            made.messages += await self._says("!health")
            made.messages += await self._says("!performance --period 1m")
        finally:
            temper.failure_rate = 0.0

    async def _words(self, made: Picture) -> None:
        made.messages += await self._says("!performance componet llm")
        made.messages += await self._says("!watch")
        made.messages += await self._says("!health", _PLAIN)
        asked = await self._admins.uses(self._stage.discord.user("ada"), "watch health")
        made.messages.append(Shown(asked.answer.payload(), True, ("Ada", asked.said)))

    async def _silence(self, made: Picture) -> None:
        async with self._stopped():
            made.messages += await self._says("!health")
            made.messages += await self._says("!health", _PLAIN)

    # --- asking -----------------------------------------------------------------------------------------------

    async def _says(self, text: str, guild: str | None = None) -> list[Shown | str]:
        await self._breath()
        channel = self._stage.discord.channel(_HARBOUR, guild)
        return _conversation(await self._admins.says(self._owner, text, channel), f"# {channel.name}")

    async def _drawn(self, text: str) -> list[Shown | str]:
        """With its picture: a busy machine takes too long for some."""
        for _ in range(_TRIES):
            found = await self._says(text)
            if any(isinstance(one, Shown) and one.message["attachments"] for one in found):
                return found
        raise TimeoutError(f"{text} was answered {_TRIES} times without a chart")

    async def _writes(self, text: str) -> list[Shown | str]:
        await self._breath()
        return _conversation(await self._admins.writes(self._owner, text), "Direct messages with Wren")

    async def _uses(self, command: str, **values: str) -> list[Shown | str]:
        await self._breath()
        asked = await self._admins.uses(self._owner, command, **values)
        return [Shown(asked.answer.payload(), True, ("Owner", asked.said))]

    async def _breath(self) -> None:
        if (wait_s := self._pace.wait_s(self._owner.id)) > 0:
            await asyncio.sleep(wait_s)
            self._pace.wait_s(self._owner.id)  # takes it

    @asynccontextmanager
    async def _stopped(self) -> AsyncIterator[None]:
        assert self._stage.bot is not None
        family = psutil.Process(self._stage.bot.pid).children(recursive=True)
        watcher = next(child.pid for child in family if "whisperwatch.watcher" in child.cmdline())
        os.kill(watcher, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(watcher, signal.SIGCONT)


async def within(longest_s: float, name: str, asking: Awaitable[object]) -> None:
    """Wait for a picture's answers. Raises DemoError where they don't come."""
    try:
        async with asyncio.timeout(longest_s):
            await asking
    except TimeoutError as error:
        why = str(error) or f"not all is answered after {longest_s:g} s"
        raise DemoError(f"the picture {name!r}: {why}") from error


def _conversation(asked: Asked, place: str) -> list[Shown | str]:
    """What was said and what was answered, each where it was."""
    first = asked.answers[0]
    assert isinstance(first.reference, Message)
    shown: list[Shown | str] = [place, Shown(first.reference.payload()), Shown(first.payload())]
    for direct in asked.answers[1:]:
        shown += ["Direct messages with Wren", Shown(direct.payload())]
    return shown
