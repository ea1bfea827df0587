"""Traces as a signal of the store: all of a day, then those that failed or were slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.traces.midnight import day_of, home, is_near
from whisperwatch.watcher.store.traces.packing import unpacked
from whisperwatch.watcher.store.traces.rows import COLUMNS, FAMILY, JOIN_IT, ROW_BYTES, Part, remove
from whisperwatch.watcher.store.traces.thinning import thin
from whisperwatch.watcher.store.transactions import transaction

_SHARE: Final = 0.25
_MOST_BYTES: Final = 32_000_000


@dataclass(frozen=True, slots=True)
class KeepTraces:
    """How long traces are kept (seconds): all, and those that failed or were among the slowest of their root's name."""

    all_s: float = 86_400.0
    notable_s: float = 30 * 86_400.0


class Traces:
    """Keeps traces.

    Args:
        keep: asked anew each time.
        lost: told how many spans had to go because the store could not be written.
    """

    name = "traces"
    share = _SHARE
    schema: tuple[str, ...] = ()
    families: tuple[Family, ...] = (FAMILY,)

    def __init__(
        self,
        keep: Callable[[], KeepTraces] = KeepTraces,
        lost: Callable[[int], None] = lambda count: None,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._keep, self._lost, self._most_bytes = keep, lost, most_bytes
        self._waiting: deque[Part] = deque()
        self._bytes = 0

    def add(self, parts: Iterable[Part]) -> None:
        """Take parts of traces on; the oldest go where there is no room."""
        for part in parts:
            self._waiting.append(part)
            self._bytes += len(part.body)
            while self._bytes > self._most_bytes and len(self._waiting) > 1:
                gone = self._waiting.popleft()
                self._bytes -= len(gone.body)
                self._lost(gone.spans)

    def take(self) -> list[Part] | None:
        """What came since the last call."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken or None

    def write(self, database: Database, taken: list[Part]) -> None:
        """Write them, within a transaction."""
        by_day: dict[int, list[Part]] = {}
        for part in taken:
            if is_near(part):
                _insert(database, home(database, part), [part])
            else:
                by_day.setdefault(day_of(part.start), []).append(part)
        for day, parts in by_day.items():
            _insert(database, database.table(FAMILY, day), parts)

    def written(self, taken: list[Part]) -> None:
        """Nothing to do."""

    def tend(self, database: Database, now: float) -> None:
        """Of a day that is old enough, keep what is notable."""
        for partition in database.partitions(FAMILY, None, now - self._keep().all_s):
            if partition.end <= now - self._keep().all_s and not partition.settled:
                with transaction(database):
                    thin(database, partition.name)
                return  # one slice a turn

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        """The days that are older than even notable ones are kept."""
        keep = self._keep()
        longest = max(keep.all_s, keep.notable_s)
        return [(FAMILY, one) for one in database.partitions(FAMILY) if one.end <= now - longest]

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        """The oldest day, but not the newest."""
        found = database.partitions(FAMILY)
        return (FAMILY, found[0]) if len(found) > 1 else None

    def forget(self, database: Database, hashed: str) -> int:
        """Remove the traces in which this hash is a value; their number. Nothing of them stays in the file's pages."""
        (secure,) = database.connection.execute("PRAGMA secure_delete").fetchone()
        database.connection.execute("PRAGMA secure_delete=ON")
        try:
            return sum(_forget(database, one.name, hashed) for one in database.partitions(FAMILY))
        finally:
            database.connection.execute(f"PRAGMA secure_delete={secure}")


def _insert(database: Database, table: str, parts: list[Part]) -> None:
    lines = [part[:-1] for part in parts]
    insert_many(database.connection, f"{table} ({COLUMNS})", lines, ending=JOIN_IT)
    bodies = [(part.trace, part.body) for part in parts]
    number = f"(SELECT id FROM {table} WHERE trace = ?)"
    insert_many(database.connection, f"{table}_spans (trace, body)", bodies, values=f"({number}, ?)")
    database.grew(table, sum(ROW_BYTES + len(part.body) for part in parts))


def _forget(database: Database, table: str, hashed: str) -> int:
    rows = database.connection.execute(f"SELECT trace, body FROM {table}_spans")
    found = {trace for trace, body in rows if f'"{hashed}"' in unpacked(body)}
    remove(database.connection, table, found)
    return len(found)
