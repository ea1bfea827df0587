"""What brings the store's file from one version of its schema to the next. None is changed once it was released."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from whisperwatch.watcher.store.logs.rows import index_anew
from whisperwatch.watcher.store.metrics.points import LEVELS, VALUES

Migration = Callable[[sqlite3.Connection], object]
"""Changes a file within a transaction, which is undone if it raises."""


def _texts_are_indexed_without_places(connection: sqlite3.Connection) -> None:
    """The full-text index of log records: which have a trigram, no longer where; the ends of texts and short ones."""
    for (table,) in connection.execute("SELECT name FROM partitions WHERE family = 'logs'").fetchall():
        index_anew(connection, table)


def _points_are_numbered(connection: sqlite3.Connection) -> None:
    """A point's series and time are the number of its row."""
    for level in LEVELS:
        rows = connection.execute("SELECT name, start FROM partitions WHERE family = ?", (level.family.name,))
        for table, start in rows.fetchall():
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_old")
            for statement in level.family.create:
                connection.execute(statement.format(table=table, start=start))
            connection.execute(
                f"INSERT INTO {table} (id, {VALUES}) SELECT {level.id_in_sql('series', 't')}, {VALUES} "
                f"FROM {table}_old ORDER BY series, t"
            )
            connection.execute(f"DROP TABLE {table}_old")


MIGRATIONS: Final[tuple[Migration, ...]] = (_texts_are_indexed_without_places, _points_are_numbered)
"""From version n to n + 1, from version 1 on. The newest version is one more than there are."""
