"""Logs as a signal of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from whisperwatch.watcher.store.logs.rows import COLUMNS, DAY_S, FAMILY, Row, grade_of, tick_of
from whisperwatch.watcher.store.logs.waiting import MOST, Waiting
from whisperwatch.watcher.store.partitions import Database, Family, Partition

_SHARE: Final = 0.25
_ROW_BYTES: Final = 160
_PER_CHARACTER: Final = 4
"""Bytes that a character takes: its own, and about three in the index."""


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
            table = database.table(FAMILY, day)
            numbered = list(_numbered(database, table, day, rows))
            database.connection.executemany(
                f"INSERT INTO {table} (id, grade, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                numbered,
            )
            database.connection.executemany(
                f"INSERT INTO {table}_text (rowid, body, exception) VALUES (?, ?, ?)",
                [(row[0], row[7], row[8]) for row in numbered],
            )
            characters = sum(len(row[7]) + len(row[8]) for row in numbered)
            attributes = sum(len(row[13]) for row in numbered)
            database.grew(table, _ROW_BYTES * len(numbered) + _PER_CHARACTER * characters + attributes)

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
        """Remove the records that carry this hash among their attributes; their number."""
        removed = 0
        for partition in database.partitions(FAMILY):
            table = partition.name
            found = database.connection.execute(
                f"SELECT id, body, exception FROM {table} WHERE instr(attributes, ?)", (f'"{hashed}"',)
            ).fetchall()
            database.connection.executemany(
                f"INSERT INTO {table}_text ({table}_text, rowid, body, exception) VALUES ('delete', ?, ?, ?)",
                found,
            )
            database.connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(row[0],) for row in found])
            removed += len(found)
        return removed


def _day_of(row: Row) -> int:
    # a time that is just a day's end belongs to it, as in every (start, end]
    return int((row[0] - 1) // (DAY_S * 1_000_000_000)) * DAY_S


def _numbered(database: Database, table: str, day: int, rows: Iterable[Row]) -> Iterator[Row]:
    (newest,) = database.connection.execute(f"SELECT max(id) FROM {table}").fetchone()
    last, newest = -1, -1 if newest is None else newest
    for row in rows:
        number = max(tick_of(row[0], day), last + 1)
        while number <= newest and _is_taken(database, table, number):
            number += 1
        last = number
        yield (number, grade_of(row[1]), *row)


def _is_taken(database: Database, table: str, number: int) -> bool:
    return (
        database.connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (number,)).fetchone() is not None
    )
