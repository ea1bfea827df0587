"""Where questions are handed in: what is set, whom to ask, and the tasks that carry answers to Discord."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.admin.access import Admins
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.bot.instrument import rest
from whisperwatch.bot.instrument.security import ADMIN_COMMAND, security
from whisperwatch.bot.ship import Options
from whisperwatch.questions import SUGGEST

logger = logging.getLogger("whisperwatch")

SWITCH: Final = "WHISPERWATCH_COMMANDS"
_GUILD: Final = "ADMIN_GUILD_ID"
_OFF: Final = ("false", "0", "no", "off")
_WORDS_S: Final = 30.0
_MOST: Final = 16
"""Answers that are on their way at once; who asks beyond that is not answered."""

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Desk:
    """The admin commands' share of this process.

    Attributes:
        admins: whom the settings add to the owners. Until a watcher has told, nobody; of the environment the guild
            is known at once, for a bot may sync its tree before.
    """

    def __init__(self) -> None:
        self.admins = Admins()
        self._ask: Ask | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()
        self._words: tuple[str, ...] = ()
        self._words_until = 0.0
        self._pace = Pace()
        self._refusals = Pace(1, 60.0)

    @property
    def open(self) -> bool:
        """Whether there are admin commands."""
        return self._ask is not None

    @property
    def guild(self) -> int | None:
        """The admin guild."""
        if self.admins.guild is not None or not _switched_on():
            return self.admins.guild
        given = os.environ.get(_GUILD, "").strip()
        return int(given) if given.isdecimal() else None

    def open_for(self, ask: Ask) -> None:
        """There is a ship: questions go to `ask`, which never raises."""
        if _switched_on():
            self._ask = ask

    def close(self) -> None:
        """No question is taken any more."""
        self._ask = None
        self.admins = Admins()
        self._said.clear()

    def settle(self, settings: Mapping[str, Any]) -> None:
        """Take what a watcher's WELCOME says."""
        self.admins = Admins.of(settings)

    def wait_s(self, user: int) -> float:
        """Seconds until this user may ask again; 0.0 if now, which then counts."""
        return self._pace.wait_s(user)

    def refused(self, user: int, what: str) -> None:
        """Somebody asked who may not: a security event, recorded of each user once in a minute."""
        about = {semconv.USER_ID: user, semconv.SECURITY_TARGET: what[:80]}
        recorded = self._refusals.wait_s(user) == 0.0
        security(ADMIN_COMMAND, "denied", "admin", about, recorded=recorded)

    async def ask(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The watcher's ANSWER, or one with an `error`."""
        if self._ask is None:
            return {"embeds": [], "text": "", "error": "The monitor is off.", "silent_since": None}
        return await self._ask(question, arguments)

    async def words(self, kind: str) -> Sequence[str]:
        """What the watcher would offer of a kind; asked anew each half a minute, for each letter asks."""
        if time.monotonic() >= self._words_until:
            answer = await self.ask(SUGGEST, {"kind": kind})
            self._words = tuple(answer.get("words", ()))
            self._words_until = time.monotonic() + (_WORDS_S if self._words else 0.0)
        return self._words

    def work(self, answering: Coroutine[Any, Any, None]) -> None:
        """Have an answer given in a task of its own: what was asked for is over at once, and nothing of it is the
        bot's work."""
        if len(self._tasks) >= _MOST:
            answering.close()
            return
        task = asyncio.create_task(
            _apart(answering), context=contextvars.Context(), name="whisperwatch: answer"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def say_once(self, text: str, level: int = logging.INFO) -> None:
        if text not in self._said:
            self._said.add(text)
            logger.log(level, "%s", text)


async def _apart(answering: Coroutine[Any, Any, None]) -> None:
    rest.unwatched.set(True)
    try:
        await answering
    except Exception:
        guard.failed("admin command")


def _switched_on() -> bool:
    if Options.from_environment().mode == "off":
        return False
    return os.environ.get(SWITCH, "").strip().lower() not in _OFF


desk = Desk()
"""This process's."""
