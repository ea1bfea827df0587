"""The interpreter and the loop: how late the loop turns, and how long the garbage collector stops it."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.recorder import recorder

INTERVAL_S = 0.05
_now = recorder.clock.now


class Pulse:
    """A timer on the bot's loop: when it last turned, and how late. `ship` watches it from its thread."""

    def __init__(self) -> None:
        self.last_turn_ns = 0
        """Monotonic nanoseconds; 0 where no loop is watched."""
        self.thread_id = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch = 0
        """Counts the loops that were watched: a timer of one before, though on the same loop, is over."""
        self._due = 0.0
        self._lag = timing(semconv.LOOP_LAG, {})

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch this loop, the running one, from now on; a loop watched before is let go."""
        if self._loop is loop:
            return
        self._loop = loop
        self.thread_id = threading.get_ident()
        self._due = loop.time()
        self._watch += 1
        self._turn(loop, self._watch)

    def stop(self) -> None:
        self._loop = None
        self.last_turn_ns = 0

    def _turn(self, loop: asyncio.AbstractEventLoop, watch: int) -> None:
        if self._loop is not loop or self._watch != watch:
            return
        self.last_turn_ns = _now()
        now = loop.time()
        try:
            self._lag.record(max(0.0, now - self._due))
        except Exception:
            guard.failed("loop lag")
        self._due = now + INTERVAL_S
        loop.call_at(self._due, self._turn, loop, watch)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The watched loop."""
        return self._loop

    @property
    def closed(self) -> bool:
        """The watched loop is gone: it doesn't turn, and isn't blocked."""
        return self._loop is None or self._loop.is_closed()


class Collections:
    """`gc.callbacks`: runs and pauses of the garbage collector."""

    def __init__(self) -> None:
        self._start = 0
        self._runs = [counting(semconv.GC_COLLECTIONS, {semconv.GC_GENERATION: str(g)}) for g in range(3)]
        self._pauses = [timing(semconv.GC_PAUSE, {semconv.GC_GENERATION: str(g)}) for g in range(3)]

    def start(self) -> None:
        if self._collected not in gc.callbacks:
            gc.callbacks.append(self._collected)

    def stop(self) -> None:
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)

    def _collected(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._start = _now()
        elif self._start:
            started, self._start = self._start, 0
            try:
                generation = info["generation"]
                self._runs[generation].add(1)
                self._pauses[generation].record((_now() - started) / 1e9)
            except Exception:
                guard.failed("garbage collection")


pulse = Pulse()
collections = Collections()
