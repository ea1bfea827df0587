"""Traces as a signal of the store: all of a day, then those that failed or were slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.traces.rows import DAY_S, FAMILY, Part, decode
from whisperwatch.watcher.store.transactions import transaction

_SHARE: Final = 0.25
_ROW_BYTES: Final = 130
_MOST_BYTES: Final = 32_000_000
_SLOW: Final = 0.95
_ADD: Final = (
    "INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace) DO UPDATE SET "
    "root = max(root, excluded.root), start = min(start, excluded.start), end = max(end, excluded.end), "
    "error = max(error, excluded.error), spans = spans + excluded.spans"
)


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
            by_day.setdefault(int((part.start - 1) // (DAY_S * 1_000_000_000)) * DAY_S, []).append(part)
        for day, parts in by_day.items():
            table = database.table(FAMILY, day)
            database.connection.executemany(
                _ADD.format(table=table),
                [(p.trace, p.root, p.start, p.end, p.error, p.spans, p.instance) for p in parts],
            )
            database.connection.executemany(
                f"INSERT INTO {table}_spans VALUES (?, ?)", [(part.trace, part.body) for part in parts]
            )
            database.grew(table, sum(_ROW_BYTES + len(part.body) for part in parts))

    def written(self, taken: list[Part]) -> None:
        """Nothing to do."""

    def tend(self, database: Database, now: float) -> None:
        """Of a day that is old enough, keep what is notable."""
        for partition in database.partitions(FAMILY, None, now - self._keep().all_s):
            if partition.end <= now - self._keep().all_s and not partition.settled:
                with transaction(database):
                    _thin(database, partition)
                return  # one a turn

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
        """Remove the traces in which this hash is an attribute; their number."""
        removed = 0
        for partition in database.partitions(FAMILY):
            rows = database.connection.execute(f"SELECT trace, body FROM {partition.name}_spans")
            found = {trace for trace, body in rows if _carries(decode(body), hashed)}
            for table in (partition.name, f"{partition.name}_spans"):
                database.connection.executemany(
                    f"DELETE FROM {table} WHERE trace = ?", [(trace,) for trace in found]
                )
            removed += len(found)
        return removed


def _carries(spans: list[list[object]], hashed: str) -> bool:
    return any(isinstance(span[8], dict) and hashed in span[8].values() for span in spans)


def _thin(database: Database, partition: Partition) -> None:
    """Keep the traces with an error, and of each root's name the slowest."""
    connection, table = database.connection, partition.name
    connection.execute(
        f"CREATE TEMP TABLE kept AS SELECT trace FROM (SELECT trace, error, "
        f"percent_rank() OVER (PARTITION BY root ORDER BY end - start) AS place FROM {table}) "
        f"WHERE error OR place >= {_SLOW}"
    )
    for name in (table, f"{table}_spans"):
        connection.execute(
            f"CREATE TEMP TABLE saved AS SELECT * FROM {name} WHERE trace IN (SELECT trace FROM kept)"
        )
        connection.execute(f"DELETE FROM {name}")
        connection.execute(f"INSERT INTO {name} SELECT * FROM saved")
        connection.execute("DROP TABLE saved")
    connection.execute("DROP TABLE kept")
    (size,) = connection.execute(
        f"SELECT coalesce(sum({_ROW_BYTES} + length(body)), 0) FROM {table}_spans"
    ).fetchone()
    connection.execute("UPDATE partitions SET size = ? WHERE name = ?", (size, table))
    database.settle(table)
