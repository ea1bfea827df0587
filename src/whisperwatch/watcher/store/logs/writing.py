"""Writing records of one day: their numbers, their rows, and what the index is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whisperwatch.watcher.store.logs.numbers import numbered
from whisperwatch.watcher.store.logs.rows import COLUMNS, Row, grade_of, indexed, tick_of
from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.partitions import Database, Family

_INSERT: Final = "INSERT OR FAIL"
"""Undone by the transaction alone: a statement that undoes itself makes FTS5 write out what it holds."""
_ROW_BYTES: Final = 160
_PER_CHARACTER: Final = 3
"""Bytes that a character takes: its own, and about two in the index."""


def insert(database: Database, family: Family, day: int, rows: Sequence[Row]) -> None:
    """Write records of the day that began at `day` (unix s), which ascend, within a transaction."""
    table, connection = database.table(family, day), database.connection

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
