"""One clock for spans and durations: monotonic nanoseconds, and the offset that makes wall time of them."""

from __future__ import annotations

import time

_TOLERANCE_NS = 5_000_000


class Clock:
    """`now` is `time.monotonic_ns`; `offset` changes only when the wall clock was set or has drifted by 5 ms."""

    __slots__ = ("now", "offset")

    def __init__(self) -> None:
        self.now = time.monotonic_ns
        self.offset = time.time_ns() - time.monotonic_ns()

    def adjust(self) -> int:
        """Follow the wall clock; returns the offset in nanoseconds. Called once a tape batch."""
        offset = time.time_ns() - time.monotonic_ns()
        if abs(offset - self.offset) > _TOLERANCE_NS:
            self.offset = offset
        return self.offset
