"""What brings the store's file from one version of its schema to the next. None is changed once it was released."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from whisperwatch.watcher.store.logs.rows import index_anew

Migration = Callable[[sqlite3.Connection], object]
"""Changes a file within a transaction, which is undone if it raises."""


def _texts_are_indexed_without_places(connection: sqlite3.Connection) -> None:
    """The full-text index of log records: which have a trigram, no longer where; the ends of texts and short ones."""
    for (table,) in connection.execute("SELECT name FROM partitions WHERE family = 'logs'").fetchall():
        index_anew(connection, table)


def _points_are_numbered(connection: sqlite3.Connection) -> None:
    """A point's series and time are the number of its row; it takes 10 bytes less."""
    values = "count, total, least, most, last, buckets"
    for family, step, length in (
        ("points_raw", 15, 3600), ("points_minute", 60, 21_600), ("points_fine", 300, 86_400),
        ("points_coarse", 3600, 864_000),
    ):  # fmt: skip
        slots = length // step
        partitions = connection.execute("SELECT name, start FROM partitions WHERE family = ?", (family,))
        for table, start in partitions.fetchall():
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_old")
            connection.execute(
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, count INTEGER, total REAL, least REAL, most REAL, "
                f"last REAL, buckets BLOB, series INTEGER AS (id / {slots}), "
                f"t INTEGER AS ({start} + (id % {slots} + 1) * {step}))"
            )
            moved = connection.execute(
                f"INSERT INTO {table} (id, {values}) SELECT series * {slots} + (t - 1) % {length} / {step}, {values} "
                f"FROM {table}_old ORDER BY series, t"
            )
            connection.execute(f"DROP TABLE {table}_old")
            connection.execute(
                "UPDATE partitions SET size = max(0, size - 10 * ?) WHERE name = ?", (moved.rowcount, table)
            )


def _traces_are_numbered(connection: sqlite3.Connection) -> None:
    """A trace's line has a number, and its spans name that: both tables are written at their ends, and are smaller."""
    line = "trace, root, start, end, error, spans, instance"
    for (table,) in connection.execute("SELECT name FROM partitions WHERE family = 'traces'").fetchall():
        for index in ("start", "failed", "spans_trace"):
            connection.execute(f"DROP INDEX {table}_{index}")
        for statement in (
            f"ALTER TABLE {table} RENAME TO {table}_old",
            f"ALTER TABLE {table}_spans RENAME TO {table}_spans_old",
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, trace BLOB NOT NULL UNIQUE, root TEXT NOT NULL, "
            "start INTEGER NOT NULL, end INTEGER NOT NULL, error INTEGER NOT NULL, spans INTEGER NOT NULL, "
            "instance TEXT NOT NULL)",
            f"CREATE TABLE {table}_spans (trace INTEGER NOT NULL, body BLOB NOT NULL)",
            f"INSERT INTO {table} ({line}) SELECT {line} FROM {table}_old ORDER BY start",
            f"INSERT INTO {table}_spans SELECT id, body FROM {table}_spans_old CROSS JOIN {table} USING (trace)",
            f"CREATE INDEX {table}_start ON {table} (start)",
            f"CREATE INDEX {table}_failed ON {table} (start) WHERE error",
            f"CREATE INDEX {table}_spans_trace ON {table}_spans (trace)",
            f"DROP TABLE {table}_old",
            f"DROP TABLE {table}_spans_old",
        ):
            connection.execute(statement)
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (f"{table}_doomed",)).fetchone():
            for statement in (
                f"ALTER TABLE {table}_doomed RENAME TO {table}_doomed_old",
                f"CREATE TABLE {table}_doomed (id INTEGER PRIMARY KEY)",
                f"INSERT INTO {table}_doomed SELECT id FROM {table}_doomed_old CROSS JOIN {table} USING (trace)",
                f"DROP TABLE {table}_doomed_old",
            ):
                connection.execute(statement)


MIGRATIONS: Final[tuple[Migration, ...]] = (
    _texts_are_indexed_without_places,
    _points_are_numbered,
    _traces_are_numbered,
)
"""From version n to n + 1, from version 1 on. The newest version is one more than there are."""
