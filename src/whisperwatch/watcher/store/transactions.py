"""Write transactions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from whisperwatch.watcher.store.partitions import Database


@contextlib.contextmanager
def transaction(database: Database) -> Iterator[None]:
    """One; what is raised within undoes it."""
    connection = database.connection
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        database.forget()
        raise
