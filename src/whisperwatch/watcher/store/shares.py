"""How the store's size is shared out: each signal has its part, which a flood of another can't take.

What no signal uses is anybody's: a signal gives way only when the file is full and it has more than its share.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.signals import Signal

_log = logging.getLogger("whisperwatch.watcher")


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the file's tables take, free pages not counted."""
    (pages,), (free,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def sizes(database: Database, signals: Sequence[Signal]) -> dict[str, int]:
    """About what each signal takes, by what was written into its partitions."""
    return {
        signal.name: sum(one.size for family in signal.families for one in database.partitions(family))
        for signal in signals
    }


def make_room(
    database: Database, signals: Sequence[Signal], most_bytes: int, dropped: Callable[[str], None]
) -> Partition | None:
    """Where the file is over its size, drop the oldest partition of the signal that is furthest over its share.

    One at a time: the caller's transaction stays short.

    Returns:
        what was dropped; None where there is room, or nothing that could go.
    """
    if used_bytes(database.connection) <= most_bytes:
        return None
    taken = sizes(database, signals)
    by_excess = sorted(signals, key=lambda one: taken[one.name] / max(one.share, 0.001), reverse=True)
    for signal in by_excess:
        found: tuple[Family, Partition] | None = signal.oldest(database)
        if found is not None:
            family, partition = found
            database.drop(family, partition)
            dropped(signal.name)
            _log.warning(
                "the store is at its size of %d MB: %s from before %s are dropped to make room",
                most_bytes // 10**6, signal.name, _day(partition.end),
            )  # fmt: skip
            return partition
    return None


def _day(unix: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(unix))
