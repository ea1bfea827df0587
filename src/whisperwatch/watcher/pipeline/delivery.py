"""Requests of one signal on their way: in order, one at a time, again and again until they are taken or refused."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from whisperwatch.watcher.pipeline.buffer import Buffer
from whisperwatch.watcher.pipeline.remedies import with_remedy
from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.transport import Failed, Outcome, Refused, Signal, Taken, Transport
from whisperwatch.watcher.records import Records

_logger = logging.getLogger(__name__)
_MESSAGES_SAID: Final = 20
_BACKLOG_BYTES_S: Final = 2_000_000.0


class Backoff:
    """How long to wait after the n-th failure in a row: doubling, with jitter.

    Args:
        first_s, most_s: the wait after the first failure, and the longest.
        dice: gives numbers from 0 to 1.
    """

    def __init__(
        self, first_s: float = 1.0, most_s: float = 30.0, dice: Callable[[], float] = random.random
    ) -> None:
        self._first = first_s
        self._most = most_s
        self._dice = dice
        self._failures = 0

    def success(self) -> None:
        """Begin anew."""
        self._failures = 0

    def failure(self, after_s: float | None) -> float:
        """Seconds to wait now; not less than `after_s`, which the collector asked for."""
        wait = min(self._most, self._first * 2.0 ** min(self._failures, 30)) * (0.5 + self._dice() / 2)
        self._failures += 1
        return wait if after_s is None else max(wait, after_s)


class Pace:
    """How long to wait after a request that had waited on the disk: what has come meanwhile goes as it comes, and
    beside it so much of the backlog that a collector which has just come back can breathe.

    Args:
        bytes_s: of the backlog, before compression.
    """

    def __init__(self, bytes_s: float = _BACKLOG_BYTES_S) -> None:
        self._bytes_s = bytes_s
        self._came = 0

    def came(self, size: int) -> None:
        """A new request is there."""
        self._came += size

    def sent(self, size: int) -> float:
        """Seconds to wait now that one of the backlog is sent."""
        backlog, self._came = max(0, size - self._came), 0
        return backlog / self._bytes_s


class Delivery:
    """Sends what the buffer has of one signal.

    Args:
        settled: is told of each request that was taken or refused: the outcome is a `Taken` or a `Refused`.
        clean: what a collector said as it may be shown: it may repeat what it was sent, headers among it.

    Attributes:
        failing_since: unix seconds of the first failure after the last success, else None.
        last_success: unix seconds of the last success; None before the first.
        reached_since: unix seconds of the first success after the last failure; None before, and while it fails.
        error: what the last failure was.
        behind: what waits on the disk is of an outage, or of an earlier run; it is sent at a pace.
        refused: unix seconds of when the collector last refused something, and what it said; None before.
    """

    def __init__(
        self,
        signal: Signal,
        transport: Transport,
        buffer: Buffer,
        settled: Callable[[Request, Taken | Refused], None],
        backoff: Backoff | None = None,
        clean: Callable[[str], str] = str,
        pace: Pace | None = None,
    ) -> None:
        self.behind = False
        self.refused: tuple[float, str] | None = None
        self.failing_since: float | None = None
        self.last_success: float | None = None
        self.reached_since: float | None = None
        self.error: str | None = None
        self._signal = signal
        self._transport = transport
        self._buffer = buffer
        self._settled = settled
        self._backoff = backoff or Backoff()
        self._clean = clean
        self._pace = pace or Pace()
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._collector_said_wait = False
        self._away = False
        self._said: set[str] = set()

    def put(self, body: bytes, records: int, origins: tuple[tuple[Records, int], ...] = ()) -> None:
        """Take an encoded request. Never blocks."""
        self._pace.came(len(body))
        self._buffer.put(Request(self._signal, body, records, origins))
        self._work.set()

    def hurry(self) -> None:
        """Try now what waits for its next try, unless the collector itself asked to wait."""
        if not self._collector_said_wait:
            self._hurry.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                request = self._buffer.first(self._signal)
                if request is None:
                    self._work.clear()
                    await self._work.wait()
                else:
                    await self._try(request)
        finally:
            await self._transport.close()

    async def _try(self, request: Request) -> None:
        outcome = await self._send(request)
        if isinstance(outcome, Failed):
            self._buffer.spill(self._signal)
            await self._pause(outcome)
            return
        self._backoff.success()
        self._buffer.remove(request)
        self._tell(request, outcome)
        self._settled(request, outcome)
        if not request.spooled:
            self.behind = False
        elif self.behind:
            await asyncio.sleep(self._pace.sent(len(request.body)))

    async def _send(self, request: Request) -> Outcome:
        request.under_way = True
        try:
            outcome = await self._transport.send(request.body)
            return replace(outcome, message=with_remedy(self._clean(outcome.message)))
        except Exception as error:
            if self.failing_since is None:
                _logger.exception("the export of %s failed in a way that was not foreseen", self._signal)
            return Failed(self._clean(f"{type(error).__name__}: {error}"))
        finally:
            request.under_way = False

    async def _pause(self, outcome: Failed) -> None:
        wait = self._backoff.failure(outcome.after_s)
        self.error = outcome.message
        if self.failing_since is None:
            self.failing_since, self.reached_since = time.time(), None
            _logger.warning("%s can't be exported, and wait: %s", self._signal, outcome.message)
        self._away = self.behind = True
        self._collector_said_wait = outcome.after_s is not None
        self._hurry.clear()
        # not wait_for: Python 3.11's can swallow a cancellation that comes together with what it waits for
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._hurry.wait()
        self._collector_said_wait = False

    def _tell(self, request: Request, outcome: Taken | Refused) -> None:
        now = time.time()
        if isinstance(outcome, Refused):
            self.error = outcome.message
            self.failing_since, self.reached_since = self.failing_since or now, None
            self.refused = now, f"{request.records} {self._signal}: {outcome.message}"
            self._say_once(
                outcome.reason,
                f"{request.records} {self._signal} are dropped and counted, and so will be the next: {outcome.message}",
            )
            return
        self.last_success = now
        self._tell_return(now)
        self.reached_since = self.reached_since or now
        if outcome.rejected or outcome.message:
            what = f"{outcome.rejected} {self._signal} were rejected" if outcome.rejected else self._signal
            self.refused = now, f"{what}: {outcome.message}"
            self._say_once(outcome.message, f"the collector took a request, but: {what}: {outcome.message}")

    def _tell_return(self, now: float) -> None:
        if self._away and self.failing_since is not None:
            _logger.warning(
                "%s are exported again, after %.0f s; what waited follows",
                self._signal,
                now - self.failing_since,
            )
        self.failing_since = self.error = None
        self._away = False

    def _say_once(self, what: str, message: str) -> None:
        if what not in self._said and len(self._said) < _MESSAGES_SAID:
            self._said.add(what)
            _logger.warning("%s", message)
