"""Of a day that is old enough, what is notable stays: the traces that failed, and of each root's name the slowest.

What goes is decided at once and written down, for what is left would be judged otherwise; then it goes in slices, so
that nobody waits long for the store.
"""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces.rows import ROW_BYTES, remove

SLICE: Final = 2_000
_SLOWEST: Final = 20
"""One of so many is kept, and at least one."""


def thin(database: Database, table: str) -> None:
    """Do a slice of it, within a transaction; when nothing is left to do the partition is settled."""
    connection, doomed = database.connection, f"{table}_doomed"
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (doomed,)).fetchone():
        _doom(database, table)
    going = [number for (number,) in connection.execute(f"SELECT id FROM {doomed} LIMIT {SLICE}")]
    remove(connection, table, going)
    if len(going) == SLICE:
        return
    connection.execute(f"DROP TABLE {doomed}")
    connection.execute(
        f"UPDATE partitions SET size = (SELECT coalesce(sum({ROW_BYTES} + length(body)), 0) FROM {table}_spans) "
        "WHERE name = ?",
        (table,),
    )
    database.settle(table)


def _doom(database: Database, table: str) -> None:
    database.connection.execute(f"CREATE TABLE {table}_doomed (id INTEGER PRIMARY KEY)")
    database.connection.execute(
        f"INSERT INTO {table}_doomed SELECT id FROM (SELECT id, error, "
        "row_number() OVER (PARTITION BY root ORDER BY end - start DESC, trace) AS place, "
        f"count(*) OVER (PARTITION BY root) AS many FROM {table}) "
        f"WHERE NOT error AND place > max(1, many / {_SLOWEST})"
    )
