"""What has ended and waits for the ship: measured and encoded later, in one go, by the ship's thread or a busy loop.

Nothing is lost between threads, see `recorder`. Older ones come first: `packed`, then `spans`, then `unsettled`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from whisperwatch import tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording.clock import Clock

MOST_SPANS = 50_000
"""Ended spans that may wait for `ship` (it comes ten times a second, and has a bound in bytes of its own)."""

RELIEF = 64
"""So many that wait are settled and packed on the loop at once, in a quarter of a millisecond; only a bot that ends
hundreds of commands a second sees that, for the ship comes four times a second."""
NEVER = sys.maxsize
_OVERDUE_NS = 5_000_000
"""So long after it wanted the GIL the ship is waiting for it."""


class Ended:
    """Spans that have ended, settled or not. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._settling = threading.RLock()
        """Held while a piece is settled, so that who reads after `settle` doesn't miss what another thread is at."""
        self.shipping = True
        """False where no ship takes what is recorded: then the host's own exporters are all there is."""
        self.spans: list[tuple[Any, ...]] = []
        self.packed: list[tuple[bytes, int]] = []
        """Older ones than those in `spans`, as `relieve` has packed them, and how many they are."""
        self._packed_spans = 0
        self.unsettled: list[Any] = []
        """Ended roots and commands whose measuring and encoding wait for `settle`."""
        self.deferring = False
        """Whether somebody calls `settle` soon: `ship` does. What is done in one go costs a third of what it costs
        between a bot's own steps, and costs the loop nothing."""
        self.ship_due_ns = NEVER
        """When the ship will have been waiting for the GIL (monotonic ns); then the loop gives way to it."""
        self.give_way: Callable[[], None] = lambda: None
        """Lets the ship have the GIL for a turn, or a millisecond of it. Set by the ship."""
        self.ended_spans = 0
        self.dropped_spans = 0

    def span_ended(self, record: tuple[Any, ...]) -> None:
        """Take an ended span, a SPAN of the tape."""
        if len(self.spans) < MOST_SPANS:
            if self.shipping:
                self.spans.append(record)
            self.ended_spans += 1
        else:
            self.dropped_spans += 1

    @property
    def waiting(self) -> int:
        """Ended spans that wait to be taken; packed ones count as one for each piece."""
        return len(self.packed) + len(self.spans) + len(self.unsettled)

    def settle(self, most: int) -> bool:
        """Measure and encode up to `most` of what has ended; says whether more is left."""
        with self._settling:  # the ship's thread does this, and any reader's
            settling = self.unsettled[:most]
            del self.unsettled[: len(settling)]
            for ended in settling:
                try:
                    ended.settle()
                except Exception:
                    guard.failed("settle")
        return bool(self.unsettled)

    def relieve(self) -> None:
        """On the loop, when more than `RELIEF` wait or the ship is overdue: settle and pack them, while the processor's
        caches still have them. Where another thread settles, it goes on doing so.

        Then give way to a ship that is overdue: a loop that never idles lets the GIL go at each look for events, for
        too short a time for another thread to get it, and pays for waking that thread each time.
        """
        if self._settling.acquire(blocking=False):
            try:
                self.settle(RELIEF)
                self._pack()
            except Exception:
                guard.failed("pack")
            finally:
                self._settling.release()
        if self.clock.now() > self.ship_due_ns:
            self.give_way()

    def _pack(self) -> None:
        if spans := self._first_spans(MOST_SPANS - self._packed_spans):
            self.packed.append((tape.pack_records(spans), len(spans)))
            self._packed_spans += len(spans)

    def _first_spans(self, most: int) -> list[tuple[Any, ...]]:
        taken = self.spans[:most]
        del self.spans[: len(taken)]
        return taken

    def expect_ship(self, seconds: float) -> None:
        """The ship wants the GIL again in so many."""
        self.ship_due_ns = self.clock.now() + round(seconds * 1e9) + _OVERDUE_NS

    def take(self, most: int) -> tuple[list[tuple[bytes, int]], list[tuple[Any, ...]]]:
        """What the loop has packed, and up to `most` of the others, which are newer."""
        with self._settling:  # else the loop packs some of them meanwhile
            self.settle(most)
            packed, self.packed, self._packed_spans = self.packed, [], 0
            return packed, self._first_spans(most)

    def take_spans(self, most: int) -> list[tuple[Any, ...]]:
        """Up to `most` ended spans, oldest first, where no loop packs any."""
        return self.take(most)[1]

    def forget_ended(self) -> None:
        """All of them, and how many they were."""
        self.unsettled.clear()
        self.packed.clear()
        self._packed_spans = 0
        self.spans.clear()
        self.ended_spans = self.dropped_spans = 0

    def silence(self) -> None:
        """In a forked child, which has no ship. The lock is made anew, for another thread may have held it."""
        self._settling = threading.RLock()
        self.shipping = self.deferring = False
        self.ship_due_ns = NEVER
