"""Removing what is kept under one user's keyed hash.

Another process may do it while the watcher writes: SQLite lets one of them at a time, and each step is short.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from whisperwatch.watcher.store import active_users
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import open_to_change
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.transactions import transaction


def forget(path: Path, hashed: str) -> dict[str, int]:
    """Remove it from the store at `path`.

    Returns:
        how many of what were removed.

    Raises:
        StoreError: the store isn't there, or can't be written.
    """
    removed = {}
    with closing(open_to_change(path)) as connection:
        database = Database(connection)
        try:
            for what, signal in (("log records", Logs(lambda: 0)), ("traces", Traces())):
                with transaction(database):
                    removed[what] = signal.forget(database, hashed)
            with transaction(database):
                removed["days of activity"] = active_users.forget(database, hashed)
        except sqlite3.Error as error:
            raise StoreError(f"{path} can't be written: {error}") from error
    return removed
