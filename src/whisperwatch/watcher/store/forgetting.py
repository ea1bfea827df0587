"""Removing what is kept under one user's keyed hash.

Another process may do it while the watcher writes: SQLite lets one of them at a time, and each step is short.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import open_to_change
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.transactions import transaction

_BUSY_S: Final = 10.0


def forget(path: Path, users: Path | None, hashed: str) -> dict[str, int]:
    """Remove it from the store at `path`, and from the table of active users.

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
        except sqlite3.Error as error:
            raise StoreError(f"{path} can't be written: {error}") from error
    removed["days of activity"] = _forget_activity(users, hashed)
    return removed


def _forget_activity(users: Path | None, hashed: str) -> int:
    if users is None or not users.exists():
        return 0
    try:
        with closing(sqlite3.connect(users, timeout=_BUSY_S)) as table, table:
            return table.execute("DELETE FROM active_users WHERE user = ?", (hashed,)).rowcount
    except sqlite3.Error as error:
        raise StoreError(f"{users} can't be written: {error}") from error
