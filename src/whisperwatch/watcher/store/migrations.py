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


MIGRATIONS: Final[tuple[Migration, ...]] = (_texts_are_indexed_without_places,)
"""From version n to n + 1, from version 1 on. The newest version is one more than there are."""
