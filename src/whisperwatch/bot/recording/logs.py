"""Log records that wait for the ship, bounded: over the bound the least severe go first.

`put` is an append, and never waits for the ship: who finds it at work leaves making room to the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

Log = tuple[Any, ...]
"""A LOG of the tape."""

MOST_LOGS: Final = 10_000
MOST_CHARACTERS: Final = 8 * 2**20
"""Of all bodies together."""
_SEVERITY: Final = 1
_BODY: Final = 4
_FREED: Final = 10
"""Making room takes out one in so many, so that it seldom happens."""


class Logs:
    """The log records of one process. Thread-safe.

    Args:
        lost: told how many had to go, and why.
    """

    def __init__(self, lost: Callable[[str, int], None], most: int = MOST_LOGS) -> None:
        self.on = True
        """False where nobody takes logs."""
        self._lost = lost
        self._most = most
        self._records: list[Log] = []
        self._characters = 0
        self._gone = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: Log) -> None:
        """Take a record."""
        self._records.append(record)
        self._characters += len(record[_BODY])
        if len(self._records) > self._most or self._characters > MOST_CHARACTERS:
            self._make_room()

    @property
    def gone(self) -> int:
        """All that were taken, or lost."""
        return self._gone

    @property
    def recorded(self) -> int:
        """All that were ever put. Not counted one by one, for several threads do that."""
        with self._lock:
            return self._gone + len(self._records)

    def take(self, most: int) -> list[Log]:
        """Up to `most` records, oldest first."""
        if not self._records:
            return []
        with self._lock:
            taken = self._records[:most]
            del self._records[: len(taken)]
            self._gone += len(taken)
            self._characters = self._characters - _characters(taken) if self._records else 0
        return taken

    def clear(self, reason: str) -> None:
        """Nobody will ever take them."""
        if taken := self.take(len(self._records)):
            self._lost(reason, len(taken))

    def empty(self) -> None:
        """In a forked child: what the parent has is the parent's to send. The lock is made anew."""
        self._lock = threading.Lock()
        self._records.clear()
        self._characters = self._gone = 0

    def _make_room(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            waiting = self._records[:]
            kept = _without_least(waiting, max(1, len(waiting) // _FREED))
            self._records[: len(waiting)] = kept  # one step: what others append meanwhile stays behind it
            self._gone += len(waiting) - len(kept)
            self._characters = _characters(kept)
        finally:
            self._lock.release()
        self._lost("queue_full", len(waiting) - len(kept))


def _without_least(records: list[Log], number: int) -> list[Log]:
    """The records without the least severe ones, of which the oldest go."""
    order = sorted(range(len(records)), key=lambda at: records[at][_SEVERITY])  # stable: oldest first
    gone = set(order[:number])
    return [record for at, record in enumerate(records) if at not in gone]


def _characters(records: list[Log]) -> int:
    return sum(len(record[_BODY]) for record in records)
