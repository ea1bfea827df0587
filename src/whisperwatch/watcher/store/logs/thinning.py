"""Of a day that is old enough, the errors stay.

They are written anew, in slices, so that nobody waits long for the store; what is asked meanwhile is the whole day.
Then they take its place, and it goes in one piece.
"""

from __future__ import annotations

from typing import Final

from whisperwatch.semconv import ERROR_CATEGORY
from whisperwatch.watcher.store.logs.rows import COLUMNS, DAY_S, FAMILY, Row, grade_of
from whisperwatch.watcher.store.logs.writing import insert
from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.transactions import transaction

SLICE: Final = 10_000
ERRORS: Final = Family("log_errors", DAY_S, FAMILY.create, FAMILY.drop)
"""The errors of the day that is being thinned."""
_GRADE: Final = grade_of(17)
_CATEGORY: Final = f'"{ERROR_CATEGORY}":'
_IS_ERROR: Final = f"(grade >= {_GRADE} OR instr(attributes, '{_CATEGORY}'))"


def is_error(row: Row) -> bool:
    """Whether a record stays."""
    return grade_of(row[1]) >= _GRADE or _CATEGORY in row[11]


class Thinning:
    """Thins one day after the other. How far it came with one is known to it alone: a new one begins it anew."""

    def __init__(self) -> None:
        self._day: int | None = None
        self._looked_at = -1

    def begin_anew(self, day: int) -> None:
        """With the day that began at `day` (unix s), if it is the one: there is more in it, or less was kept."""
        if day == self._day:
            self._looked_at = -1

    def slice(self, database: Database, day: Partition) -> None:
        """Look at the next records of a day; after the last ones it is settled."""
        looked_at = self._looked_at if day.start == self._day else -1
        within = f"FROM {day.name} WHERE id > ?"
        with transaction(database):
            if looked_at < 0:
                for begun in database.partitions(ERRORS):
                    database.drop(ERRORS, begun)
            (last,) = database.connection.execute(
                f"SELECT max(id) FROM (SELECT id {within} ORDER BY id LIMIT {SLICE})", (looked_at,)
            ).fetchone()
            if last is None:
                database.replace(FAMILY, day, ERRORS)
            else:
                errors = database.connection.execute(
                    f"SELECT {COLUMNS} {within} AND id <= ? AND {_IS_ERROR} ORDER BY at", (looked_at, last)
                ).fetchall()
                if errors:
                    insert(database, ERRORS, day.start, errors)
        self._day, self._looked_at = day.start, -1 if last is None else last
