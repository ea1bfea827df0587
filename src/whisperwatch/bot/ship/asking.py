"""Questions to the watcher: asked on the bot's loop, carried by the ship, answered by who is there, or by nobody."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from whisperwatch import tape

MOST: Final = 32
"""Questions that wait for their answer at once."""
PATIENCE_S: Final = 10.0
"""The longest that an answer may take."""
SILENCE_S: Final = 2.5
"""A watcher that answers acknowledges each batch meanwhile: one that says nothing for so long is not working on it."""


class Asking:
    """The questions that are open. `ask` belongs to the asker's loop, all else to the ship's thread.

    Args:
        wake: has the ship look here soon.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[dict[str, Any]]]] = {}
        self._to_send: deque[tuple[Any, ...]] = deque()
        self._sent: set[int] = set()
        self._never: str | None = None
        self._silent_since: float | None = time.time()
        self._heard = 0.0
        self._connected = False

    @property
    def waiting(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._open)

    async def ask(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER, within ten seconds, or within three where the watcher is silent; never raises. Where the watcher
        gives none, it has `error`, and with `silent_since` (unix seconds, or None) it is the watcher that doesn't
        answer."""
        if self._never is not None:
            return _unanswered(self._never, None)
        if len(self._open) >= MOST:
            return {"embeds": [], "text": "", "error": "Too much is asked at once: ask again later."}
        asked, number = time.time(), next(self._numbers)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[dict[str, Any]] = loop.create_future()
        self._open[number] = loop, answered
        self._to_send.append((tape.ASK, number, question, arguments))
        self._wake()
        try:
            if await self._comes(answered):
                return answered.result()
            if self._silent_since is None:
                self._silent_since = asked
            return _unanswered(self._why_silent(), self._silent_since)
        finally:
            self._open.pop(number, None)

    async def _comes(self, answered: asyncio.Future[dict[str, Any]]) -> bool:
        """Whether it is answered before the patience is over, or the watcher has been silent for too long."""
        asked = time.monotonic()
        while not answered.done():
            left_s = min(asked + PATIENCE_S, max(asked, self._heard) + SILENCE_S) - time.monotonic()
            if left_s <= 0:
                return False
            await asyncio.wait({answered}, timeout=left_s)
        return True

    def _why_silent(self) -> str:
        if self._connected:
            return "It is there, but says nothing."
        return "It is not there, and is being started: ask again in a moment."

    def heard(self) -> None:
        """The watcher has said something, whatever it was."""
        self._heard = time.monotonic()

    def frames(self) -> Iterator[bytes]:
        """What is to be sent; who has given up meanwhile is left out."""
        while self._to_send:
            frame = self._to_send.popleft()
            if frame[1] in self._open:
                self._sent.add(frame[1])
                yield tape.pack(frame)

    def answered(self, number: int, answer: dict[str, Any]) -> None:
        """An ANSWER has come."""
        self._silent_since = None
        self._sent.discard(number)
        self._resolve(number, answer)

    def welcomed(self) -> None:
        """A watcher is there; what was asked before waits for it."""
        self._silent_since, self._connected = None, True

    def disconnected(self) -> None:
        """The watcher is gone, and with it what it was asked. What it wasn't told yet waits for the next."""
        self._connected = False
        if self._silent_since is None:
            self._silent_since = time.time()
        sent, self._sent = self._sent, set()
        for number in sent:
            self._resolve(number, _unanswered("It ended while it was asked.", self._silent_since))

    def close(self, why: str) -> None:
        """There will be no answer any more."""
        self._never = why
        self._to_send.clear()
        for number in list(self._open):
            self._resolve(number, _unanswered(why, None))

    def _resolve(self, number: int, answer: dict[str, Any]) -> None:
        if (found := self._open.pop(number, None)) is not None:
            loop, future = found
            with suppress(RuntimeError):  # its loop is closed
                loop.call_soon_threadsafe(_settle, future, answer)


def _settle(future: asyncio.Future[dict[str, Any]], answer: dict[str, Any]) -> None:
    if not future.done():
        future.set_result(answer)


def _unanswered(why: str, since: float | None) -> dict[str, Any]:
    return {"embeds": [], "text": "", "error": why, "silent_since": since}
