"""The table of active users: the keyed hashes of those who were answered on each day (UTC)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.partitions import Database

SCHEMA: Final = (
    "CREATE TABLE active_users (day INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (day, user)) WITHOUT ROWID",
)


def keep(database: Database, seen: Mapping[int, Iterable[str]], oldest: int) -> None:
    """Add who was seen, by day; forget the days before `oldest`."""
    rows = [(day, user) for day, users in seen.items() for user in users]
    insert_many(database.connection, "active_users (day, user)", rows, insert="INSERT OR IGNORE")
    database.connection.execute("DELETE FROM active_users WHERE day < ?", (oldest,))


def count(database: Database, today: int, days: int) -> int:
    """How many there were in so many days, today's among them."""
    row = database.connection.execute(
        "SELECT COUNT(DISTINCT user) FROM active_users WHERE day > ? AND day <= ?", (today - days, today)
    ).fetchone()
    return int(row[0])


def returned(database: Database, first: range, second: range) -> tuple[int, int]:
    """How many there were in the first days, and how many of them in the second ones, too."""
    row = database.connection.execute(
        "SELECT COUNT(*), COUNT(later.user) FROM"
        " (SELECT DISTINCT user FROM active_users WHERE day >= ? AND day < ?) AS earlier LEFT JOIN"
        " (SELECT DISTINCT user FROM active_users WHERE day >= ? AND day < ?) AS later USING (user)",
        (first.start, first.stop, second.start, second.stop),
    ).fetchone()
    return int(row[0]), int(row[1])


def forget(database: Database, hashed: str) -> int:
    """Remove one; on how many days there was something of it."""
    return database.connection.execute("DELETE FROM active_users WHERE user = ?", (hashed,)).rowcount


def of_file(path: Path) -> dict[int, set[str]]:
    """By day, who is in the table that an older watcher kept in a file of its own; nothing if it can't be read."""
    found: dict[int, set[str]] = {}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as table:
            for day, user in table.execute("SELECT day, user FROM active_users"):
                found.setdefault(day, set()).add(user)
    except sqlite3.Error:
        return {}
    return found
