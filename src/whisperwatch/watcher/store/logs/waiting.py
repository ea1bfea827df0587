"""Records that wait for the store: bounded, and the least severe go first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from whisperwatch.watcher.store.logs.rows import Row, grade_of

MOST: Final = 50_000
_RANKS: Final = 5


class Waiting:
    """Holds up to `most` rows. `lost` is told how many had to go."""

    def __init__(self, lost: Callable[[int], None], most: int = MOST) -> None:
        self._lost, self._most = lost, most
        self._rows: tuple[deque[Row], ...] = tuple(deque() for _ in range(_RANKS))
        self._count = 0

    def add(self, row: Row) -> None:
        """Take one on; the oldest of the least severe goes where there is no room."""
        self._rows[grade_of(row[1])].append(row)
        self._count += 1
        if self._count > self._most:
            next(rows for rows in self._rows if rows).popleft()
            self._count -= 1
            self._lost(1)

    def take(self) -> list[Row]:
        """All of them, by time."""
        taken = [row for rows in self._rows for row in rows]
        for rows in self._rows:
            rows.clear()
        self._count = 0
        taken.sort(key=_at)
        return taken


def _at(row: Row) -> int:
    return int(row[0])
