"""What brings the store's file from one version of its schema to the next. None is changed once it was released."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from whisperwatch.watcher.store.logs.rows import indexed

Migration = Callable[[sqlite3.Connection], object]
"""Changes a file within a transaction, which is undone if it raises."""


def _texts_are_indexed_without_places(connection: sqlite3.Connection) -> None:
    """The full-text index of log records: which have a trigram, no longer where; the ends of texts and short ones."""
    connection.create_function("indexed", 1, indexed, deterministic=True)
    for (table,) in connection.execute("SELECT name FROM partitions WHERE family = 'logs'").fetchall():
        connection.execute(f"DROP TABLE IF EXISTS {table}_text")
        connection.execute(
            f"CREATE VIRTUAL TABLE {table}_text USING fts5 (body, exception, content='{table}', content_rowid='id', "
            "tokenize='trigram case_sensitive 1', columnsize=0, detail=none)"
        )
        connection.execute(f"INSERT INTO {table}_text ({table}_text, rank) VALUES ('automerge', 16)")
        connection.execute(f"CREATE VIRTUAL TABLE {table}_terms USING fts5vocab ('{table}_text', 'row')")
        connection.execute(
            f"INSERT INTO {table}_text (rowid, body, exception) "
            f"SELECT id, indexed(body), indexed(exception) FROM {table} ORDER BY id"
        )


MIGRATIONS: Final[tuple[Migration, ...]] = (_texts_are_indexed_without_places,)
"""From version n to n + 1, from version 1 on. The newest version is one more than there are."""
