"""Logs as a signal of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from whisperwatch.watcher.store.logs.rows import DAY_S, FAMILY, Row, index_anew
from whisperwatch.watcher.store.logs.thinning import ERRORS, Thinning, is_error
from whisperwatch.watcher.store.logs.waiting import MOST, Waiting
from whisperwatch.watcher.store.logs.writing import insert
from whisperwatch.watcher.store.partitions import Database, Family, Partition

_SHARE: Final = 0.25


class Logs:
    """Keeps log records.

    Args:
        keep_s: how long, in seconds; asked anew each time.
        lost: told how many records had to go because the store could not be written.
        errors_s: how long errors are kept, where that is longer.
    """

    name = "logs"
    share = _SHARE
    schema: tuple[str, ...] = ()
    families: tuple[Family, ...] = (FAMILY, ERRORS)

    def __init__(
        self,
        keep_s: Callable[[], float],
        lost: Callable[[int], None] = lambda count: None,
        most: int = MOST,
        errors_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._keep_s, self._errors_s = keep_s, errors_s
        self._thinning = Thinning()
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
        for day, of_day in groupby(taken, _day_of):
            rows = list(of_day)
            errors = [row for row in rows if is_error(row)]
            if errors:
                self._thinning.begin_anew(day)
            if any(one.settled for one in database.partitions(FAMILY, day, day + 1)):
                rows = errors
            if rows:
                insert(database, FAMILY, day, rows)

    def written(self, taken: list[Row]) -> None:
        """Nothing to do."""

    def tend(self, database: Database, now: float) -> None:
        """Of a day that is old enough, keep the errors."""
        keep_s = self._keep_s()
        if self._errors_s() <= keep_s:
            return
        for day in database.partitions(FAMILY, None, now - keep_s):
            if day.end <= now - keep_s and not day.settled:
                self._thinning.slice(database, day)
                return  # one slice a turn

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        """The days that are older than even errors are kept."""
        longest = max(self._keep_s(), self._errors_s())
        return [(family, one) for family, one in self._days(database) if one.end <= now - longest]

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        """The oldest day, but not the newest."""
        found = self._days(database)
        if not found or found[0][1].start == found[-1][1].start:
            return None
        self._thinning.begin_anew(found[0][1].start)
        return found[0]

    def forget(self, database: Database, hashed: str) -> int:
        """Remove the records that carry this hash among their attributes; their number. Nothing of them stays behind
        in the file's pages."""
        (secure,) = database.connection.execute("PRAGMA secure_delete").fetchone()
        database.connection.execute("PRAGMA secure_delete=ON")
        try:
            for copy in database.partitions(ERRORS):
                _forget(database, copy.name, hashed)
            return sum(_forget(database, one.name, hashed) for one in database.partitions(FAMILY))
        finally:
            database.connection.execute(f"PRAGMA secure_delete={secure}")

    def _days(self, database: Database) -> list[tuple[Family, Partition]]:
        """The oldest first; what was copied of the day that is being thinned before it."""
        found = [(family, one) for family in (ERRORS, FAMILY) for one in database.partitions(family)]
        return sorted(found, key=lambda one: one[1].start)


def _day_of(row: Row) -> int:
    # a time that is just a day's end belongs to it, as in every (start, end]
    return int((row[0] - 1) // (DAY_S * 1_000_000_000)) * DAY_S


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
