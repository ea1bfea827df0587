"""Logs as a signal of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from whisperwatch.watcher.store.logs.numbers import numbered
from whisperwatch.watcher.store.logs.rows import (
    COLUMNS,
    DAY_S,
    FAMILY,
    Row,
    grade_of,
    index_anew,
    indexed,
    tick_of,
)
from whisperwatch.watcher.store.logs.waiting import MOST, Waiting
from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.partitions import Database, Family, Partition

_SHARE: Final = 0.25
_INSERT: Final = "INSERT OR FAIL"
"""Undone by the transaction alone: a statement that undoes itself makes FTS5 write out what it holds."""
_ROW_BYTES: Final = 160
_PER_CHARACTER: Final = 3
"""Bytes that a character takes: its own, and about two in the index."""


class Logs:
    """Keeps log records.

    Args:
        keep_s: how long, in seconds; asked anew each time.
        lost: told how many records had to go because the store could not be written.
    """

    name = "logs"
    share = _SHARE
    schema: tuple[str, ...] = ()
    families: tuple[Family, ...] = (FAMILY,)

    def __init__(
        self, keep_s: Callable[[], float], lost: Callable[[int], None] = lambda count: None, most: int = MOST
    ) -> None:
        self._keep_s = keep_s
        self._waiting = Waiting(lost, most)

    def add(self, rows: Iterable[Row]) -> None:
        """Take records on."""
        for row in rows:
            self._waiting.add(row)

    def take(self) -> list[Row] | None:
        """What came since the last call."""
        return self._waiting.take() or None

    def write(self, database: Database, taken: list[Row]) -> None:
        """Write them, within a transaction."""
        for day, rows in groupby(taken, _day_of):
            _insert(database, day, list(rows))

    def written(self, taken: list[Row]) -> None:
        """Nothing to do."""

    def tend(self, database: Database, now: float) -> None:
        """Nothing to do."""

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        """The days that are older than they are kept."""
        return [(FAMILY, one) for one in database.partitions(FAMILY) if one.end <= now - self._keep_s()]

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        """The oldest day, but not the newest."""
        found = database.partitions(FAMILY)
        return (FAMILY, found[0]) if len(found) > 1 else None

    def forget(self, database: Database, hashed: str) -> int:
        """Remove the records that carry this hash among their attributes; their number. Nothing of them stays behind
        in the file's pages."""
        (secure,) = database.connection.execute("PRAGMA secure_delete").fetchone()
        database.connection.execute("PRAGMA secure_delete=ON")
        try:
            return sum(_forget(database, one.name, hashed) for one in database.partitions(FAMILY))
        finally:
            database.connection.execute(f"PRAGMA secure_delete={secure}")


def _day_of(row: Row) -> int:
    # a time that is just a day's end belongs to it, as in every (start, end]
    return int((row[0] - 1) // (DAY_S * 1_000_000_000)) * DAY_S


def _insert(database: Database, day: int, rows: list[Row]) -> None:
    table, connection = database.table(FAMILY, day), database.connection

    def taken(start: int, end: int) -> set[int]:
        found = connection.execute(f"SELECT id FROM {table} WHERE id > ? AND id <= ?", (start, end))
        return {number for (number,) in found}

    (newest,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
    ticks = [tick_of(row[0], day) for row in rows]
    numbers = list(numbered(ticks, -1 if newest is None else newest, taken))
    kept = [(number, grade_of(row[1]), *row) for number, row in zip(numbers, rows, strict=True)]
    texts = [(number, indexed(row[5]), indexed(row[6])) for number, row in zip(numbers, rows, strict=True)]
    insert_many(connection, f"{table} (id, grade, {COLUMNS})", kept, insert=_INSERT)
    insert_many(connection, f"{table}_text (rowid, body, exception)", texts, insert=_INSERT)
    characters = sum(len(row[5]) + len(row[6]) for row in rows)
    attributes = sum(len(row[11]) for row in rows)
    database.grew(table, _ROW_BYTES * len(rows) + _PER_CHARACTER * characters + attributes)


def _forget(database: Database, table: str, hashed: str) -> int:
    connection = database.connection
    found = connection.execute(
        f"SELECT id FROM {table} WHERE instr(attributes, ?)", (f'"{hashed}"',)
    ).fetchall()
    if found:
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", found)
        # what an index deletes it only marks; and what it moves between pages may stay in both
        index_anew(connection, table)
    return len(found)
