"""Messages on their way to a syslog receiver: in order, kept while it is away, never waited for by anybody.

What was under way when a connection broke is sent again, so the receiver may get it twice, with the same id in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from whisperwatch.semconv import REASON, SELF_SIEM_DROPPED, SELF_SIEM_SENT
from whisperwatch.watcher.pipeline.delivery import Backoff
from whisperwatch.watcher.pipeline.figures import BUFFER_FULL, SHUTDOWN, UNENCODABLE
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.settings.siem import Siem
from whisperwatch.watcher.siem.connection import Connection, connect, why
from whisperwatch.watcher.siem.syslog import framed

_logger = logging.getLogger(__name__)
MOST: Final = 10_000
_MOST_AT_ONCE: Final = 8192
"""Bytes: so much every kernel takes at once."""
_SETTLED_S: Final = 0.5
"""A receiver that doesn't want us (a certificate of ours, too many connections) accepts, and hangs up within this."""
_STEADY_S: Final = 60.0


class Sender:
    """Sends messages.

    Args:
        settings: where and how; `host` is set.
        own: takes the figures.
        backoff: the waits between tries.
        most: messages that wait; beyond that the oldest are dropped, and counted.
        settled_s: for how long a new connection is looked at before it is used.

    Attributes:
        failing_since: unix seconds of the first failure after the last success; None while all is well.
        reached_since: unix seconds since when it is connected; None while it isn't.
        error: what the last failure was.
        dropped: messages that were lost.
    """

    def __init__(
        self,
        settings: Siem,
        own: LocalStream,
        backoff: Backoff | None = None,
        most: int = MOST,
        settled_s: float = _SETTLED_S,
    ) -> None:
        self._settings, self._own, self._backoff = settings, own, backoff or Backoff()
        self._most, self._settled_s = most, settled_s
        self._waiting: deque[bytes] = deque()
        self._under_way = 0
        self._work, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._hurry = asyncio.Event()
        self.failing_since: float | None = None
        self.reached_since: float | None = None
        self.error: str | None = None
        self.dropped = 0
        own.add(SELF_SIEM_SENT, 0)
        for reason in (BUFFER_FULL, SHUTDOWN, UNENCODABLE):
            self.lose(0, reason)

    @property
    def endpoint(self) -> str:
        """Where messages go."""
        return self._settings.shown

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    def put(self, messages: Iterable[str]) -> None:
        """Take messages on. Never blocks."""
        self._waiting.extend(map(framed, messages))
        while len(self._waiting) > self._most:
            del self._waiting[min(self._under_way, len(self._waiting) - 1)]
            self.lose(1, BUFFER_FULL)
        if self._waiting:
            self._empty.clear()
            self._work.set()

    def lose(self, messages: int, reason: str) -> None:
        """Messages are lost."""
        self.dropped += messages
        self._own.add(SELF_SIEM_DROPPED, messages, {REASON: reason})

    async def run(self) -> None:
        """Connect, and send until cancelled."""
        while True:
            began = time.monotonic()
            try:
                await self._converse()
            except Exception as error:
                if self.failing_since is None and not isinstance(error, OSError | ValueError):
                    _logger.exception("security events can't be sent, in a way that was not foreseen")
                self._fail(_reason(error))
            if time.monotonic() - began > _STEADY_S:
                self._backoff.success()
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.failure(None)):
                    await self._hurry.wait()

    async def flush(self, timeout_s: float) -> bool:
        """Whether all that waits is sent within so many seconds."""
        self._hurry.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        return not self._waiting

    def give_up(self) -> None:
        """What still waits is lost, counted and said."""
        if self._waiting:
            self.lose(len(self._waiting), SHUTDOWN)
            _logger.warning(
                "%d security events that %s has not taken are lost to it, for the watcher stops",
                len(self._waiting),
                self.endpoint,
            )
            self._waiting.clear()

    async def _converse(self) -> None:
        """One connection, until the receiver hangs up; when nothing was to be sent, that is no failure.

        Raises:
            OSError: it can't be made, or broke with something under way.
        """
        connection = await connect(self._settings)
        try:
            await asyncio.wait([connection.closed], timeout=self._settled_s)
            if connection.closed.done():
                raise ConnectionResetError(why(connection.closed))
            while not connection.closed.done():
                await self._send_all(connection)
                self._reach()
                await self._work_or(connection.closed)
        finally:
            self.reached_since = None
            await connection.close()

    async def _send_all(self, connection: Connection) -> None:
        while self._waiting:
            frames = self._next()
            self._under_way = len(frames)
            try:
                await connection.send(b"".join(frames))
            finally:
                self._under_way = 0
            for _ in frames:
                self._waiting.popleft()
            self._own.add(SELF_SIEM_SENT, len(frames))
            self._backoff.success()
        self._empty.set()
        self._work.clear()

    def _next(self) -> list[bytes]:
        """The oldest, at least one."""
        frames, size = [self._waiting[0]], len(self._waiting[0])
        for frame in islice(self._waiting, 1, None):
            if (size := size + len(frame)) > _MOST_AT_ONCE:
                break
            frames.append(frame)
        return frames

    async def _work_or(self, closed: asyncio.Task[str]) -> None:
        """Wait for messages, or until the receiver has hung up."""
        work = asyncio.create_task(self._work.wait())
        try:
            await asyncio.wait([work, closed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()

    def _reach(self) -> None:
        """It takes what is sent; where nothing waits, it would."""
        self.reached_since = self.reached_since or time.time()
        if self.failing_since is not None:
            _logger.warning("security events reach %s again", self.endpoint)
        self.failing_since = self.error = None

    def _fail(self, reason: str) -> None:
        self.error = reason
        if self.failing_since is None:
            self.failing_since = time.time()
            _logger.warning("security events don't reach %s, and wait: %s", self.endpoint, reason)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it doesn't answer"
    if refused := getattr(error, "verify_message", ""):
        return f"its certificate is refused: {refused}"
    if isinstance(error, ConnectionError) and error.errno:  # asyncio's own text repeats the address
        return os.strerror(error.errno)
    return str(getattr(error, "strerror", None) or error)[:200] or "it hung up"
