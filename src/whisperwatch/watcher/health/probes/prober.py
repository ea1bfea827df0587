"""Asks each server that the bot uses, each in a task of its own, so that one that hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.records import Endpoint

from .errors import ProbeError, RefusedError, UnknownError, explained
from .targets import Target, target
from .verdict import Verdict

MOST: Final = 32
"""Servers that are asked; of more the first ones."""
_log = logging.getLogger("whisperwatch.health")


@dataclass(frozen=True, slots=True)
class Timing:
    """When to ask. `timeout_s` bounds all attempts of one round together, and the waits between them."""

    interval_s: float = 30.0
    timeout_s: float = 30.0
    attempts: int = 3
    delay_s: float = 5.0

    @property
    def attempt_s(self) -> float:
        """How long one attempt may take."""
        # where the waits leave little, they are cut short
        waits = self.delay_s * (self.attempts - 1)
        return max(self.timeout_s - waits, self.timeout_s / 2) / self.attempts

    @property
    def soon_s(self) -> float:
        """How long to wait before asking again what has just recovered."""
        return min(self.delay_s, self.interval_s)


class Probe:
    """One server, asked again and again."""

    def __init__(self, target: Target, timing: Timing, now: Callable[[], float] = time.time) -> None:
        self.target = target
        self.verdict = Verdict()
        self.timing = timing
        self._now = now
        self._attempt: asyncio.Task[str] | None = None

    async def run(self) -> None:
        """Ask until cancelled."""
        _keep_out_of_the_bots_data()
        try:
            while True:
                await self.round()
                await asyncio.sleep(self.timing.soon_s if self.verdict.recovering else self.timing.interval_s)
        finally:
            if self._attempt is not None:
                self._attempt.cancel()

    async def round(self) -> None:
        """Ask until it answers, or all attempts have failed, or the time for them is over."""
        loop, timing = asyncio.get_running_loop(), self.timing
        ends = loop.time() + timing.timeout_s
        for attempt in range(1, timing.attempts + 1):
            error = await self._ask(min(timing.attempt_s, ends - loop.time()))
            if error is None:
                return
            if isinstance(error, UnknownError):
                self.verdict.unclear(str(error), self._now())
                return
            last = attempt == timing.attempts or loop.time() + timing.delay_s >= ends
            if last or isinstance(error, RefusedError):
                self.verdict.bad(str(error), self._now())
                return
            self.verdict.suspect(str(error), attempt, timing.attempts, self._now())
            await asyncio.sleep(timing.delay_s)

    async def _ask(self, limit_s: float) -> ProbeError | None:
        """One attempt. What doesn't end when it is told to is left behind, and nothing new is begun until it has."""
        if self._attempt is not None and not self._attempt.done():
            return ProbeError("hangs: the last question to it has not ended yet")
        began = time.perf_counter()
        self._attempt = asyncio.ensure_future(self.target.ask(self.target.arguments))
        await asyncio.wait({self._attempt}, timeout=limit_s)
        if not self._attempt.done():
            self._attempt.add_done_callback(_forget)
            self._attempt.cancel()
            return explained(TimeoutError(), limit_s)
        if self._attempt.cancelled():
            return ProbeError("could not be asked to the end")
        if (error := self._attempt.exception()) is not None:
            return explained(error, limit_s)
        self.verdict.good(self._attempt.result(), time.perf_counter() - began, self._now())
        return None


class Prober:
    """A probe for each server that living bots use.

    Args:
        endpoints: what they use, at this moment.
    """

    def __init__(self, endpoints: Callable[[], Iterable[Endpoint]], timing: Timing) -> None:
        self._endpoints = endpoints
        self._timing = timing
        self._running: dict[bytes, tuple[Probe, asyncio.Task[None]]] = {}
        self._targets: dict[Endpoint, Target | None] = {}
        self.left_out = 0
        """Servers that are not asked, for there are more than `MOST`."""

    @property
    def probes(self) -> Sequence[Probe]:
        """Those that run."""
        return [probe for probe, _ in self._running.values()]

    def tend(self) -> None:
        """Begin to ask what is new, end what is used no more."""
        wanted = self._wanted()
        ended = {key for key, (_, task) in self._running.items() if task.done()}
        for key in (self._running.keys() - wanted.keys()) | ended:
            self._running.pop(key)[1].cancel()
        new = [found for key, found in wanted.items() if key not in self._running]
        room = MOST - len(self._running)
        self.left_out = max(0, len(new) - room)
        for found in new[:room]:
            probe = Probe(found, self._timing)
            task = asyncio.create_task(probe.run(), name=f"health of {found.kind}")
            task.add_done_callback(_ended)
            self._running[found.key] = probe, task

    def follow(self, timing: Timing) -> None:
        """Ask at these times from now on."""
        self._timing = timing
        for probe in self.probes:
            probe.timing = timing

    def stop(self) -> None:
        """End all."""
        for _, task in self._running.values():
            task.cancel()
        self._running.clear()

    def _wanted(self) -> dict[bytes, Target]:
        endpoints = list(self._endpoints())
        self._targets = {
            one: self._targets[one] if one in self._targets else target(one) for one in endpoints
        }
        return {found.key: found for found in self._targets.values() if found is not None}


def _forget(attempt: asyncio.Future[Any]) -> None:
    if not attempt.cancelled():
        attempt.exception()


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a health check has ended by its own fault", exc_info=error)


def _keep_out_of_the_bots_data() -> None:
    """In a watcher that is a thread of the bot, the bot's instrumentations are told to look away from this task."""
    context = sys.modules.get("opentelemetry.context")
    if context is not None:
        kept = context.get_current()
        for key in ("suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY):
            kept = context.set_value(key, True, kept)
        context.attach(kept)
