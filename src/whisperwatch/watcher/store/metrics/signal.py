"""Metrics as a signal of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.metrics.living import bury
from whisperwatch.watcher.store.metrics.points import (
    COARSE,
    COARSE_S,
    FINE,
    LEVELS,
    MINUTE,
    RAW,
    SCHEMA,
    Level,
)
from whisperwatch.watcher.store.metrics.rolling import roll, rolled
from whisperwatch.watcher.store.metrics.taken import Taken
from whisperwatch.watcher.store.metrics.writing import Journal
from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.transactions import transaction

_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Keep:
    """How long points are kept (seconds): each slot and minute, five minutes, hours."""

    raw_s: float = 6 * 3600.0
    fine_s: float = 30 * 86_400.0
    coarse_s: float = 30 * 86_400.0

    def of(self, level: Level) -> float:
        """Of one level."""
        fine_s = min(self.fine_s, self.coarse_s)
        return {RAW: self.raw_s, MINUTE: self.raw_s, FINE: fine_s, COARSE: self.coarse_s}[level]


class Metrics:
    """Writes what `source` takes.

    Args:
        source: what changed since the last call; None where nothing did. Called on the watcher's loop.
        keep: asked anew each time.
    """

    name = "metrics"
    share = _SHARE
    schema: tuple[str, ...] = SCHEMA
    families: tuple[Family, ...] = tuple(level.family for level in LEVELS)

    def __init__(self, source: Callable[[], Taken | None], keep: Callable[[], Keep] = Keep) -> None:
        self._source, self._keep = source, keep
        self._journal = Journal()
        self._uncommitted = False
        self._buried = float("-inf")

    def take(self) -> Taken | None:
        """What changed since the last call."""
        return self._source()

    def write(self, database: Database, taken: Taken) -> None:
        """Write it, within a transaction."""
        if self._uncommitted:
            self._journal.forget()
        self._uncommitted = True
        self._journal.write(database, taken)

    def written(self, taken: Taken) -> None:
        """It is on the disk."""
        self._uncommitted = False

    def tend(self, database: Database, now: float) -> None:
        """Roll up what is due; each hour, forget who is gone for longer than anything is kept."""
        roll(database, now)
        if abs(now - self._buried) >= COARSE_S:
            self._buried = now
            with transaction(database):
                # no point of then is left: their partition's end was as old as they are kept
                gone = bury(database, now, self._keep().coarse_s + COARSE.family.length_s + COARSE_S)
            if gone:
                self._journal.forget()

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        """Partitions that are older than they are kept, once coarser ones have what is in them."""
        keep, in_hours = self._keep(), rolled(database.connection).get(COARSE_S, 0)
        return [
            (level.family, partition)
            for level in LEVELS
            for partition in database.partitions(level.family, None, now)
            if partition.end <= now - keep.of(level) and (level is not FINE or partition.end <= in_hours)
        ]

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        """The oldest single values first, then five minutes, then hours; never the newest partition of a level."""
        for level in LEVELS:
            if len(found := database.partitions(level.family)) > 1:
                return level.family, found[0]
        return None
