"""The tables of traces: a line for each trace, and its spans as they came, packed (see `packing`).

Both are written at their ends: the only thing that is looked up, and written all over, is the index of trace ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Final, NamedTuple

from whisperwatch.watcher.store.partitions import Family

DAY_S: Final = 86_400
ROW_BYTES: Final = 130
"""About what a part takes beside its body."""

COLUMNS: Final = "trace, root, start, end, error, spans, instance"
"""What a `Part` says of its trace's line."""
JOIN_IT: Final = (
    " ON CONFLICT (trace) DO UPDATE SET "
    "root = CASE root WHEN '' THEN excluded.root ELSE root END, "
    "start = min(start, excluded.start), end = max(end, excluded.end), "
    "error = max(error, excluded.error), spans = spans + excluded.spans"
)
"""The end of an insert: where the trace has a line already, the part joins it."""

FAMILY: Final = Family(
    "traces",
    DAY_S,
    (
        "CREATE TABLE {table} (id INTEGER PRIMARY KEY, trace BLOB NOT NULL UNIQUE, root TEXT NOT NULL, "
        "start INTEGER NOT NULL, end INTEGER NOT NULL, error INTEGER NOT NULL, spans INTEGER NOT NULL, "
        "instance TEXT NOT NULL)",
        "CREATE INDEX {table}_start ON {table} (start)",
        "CREATE INDEX {table}_failed ON {table} (start) WHERE error",
        "CREATE TABLE {table}_spans (trace INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE INDEX {table}_spans_trace ON {table}_spans (trace)",
    ),
    tuple(f"DROP TABLE IF EXISTS {{table}}{ending}" for ending in ("_doomed", "_spans", "")),
)


def remove(connection: Connection, table: str, numbers: Iterable[int]) -> None:
    """Lines of a day's table, their spans, and what thinning has decided on them: a number may be given again."""
    doomed = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (f"{table}_doomed",)).fetchone()
    given = [(number,) for number in numbers]
    for key in (
        f"{table}_spans WHERE trace",
        f"{table} WHERE id",
        *([f"{table}_doomed WHERE id"] if doomed else []),
    ):
        connection.executemany(f"DELETE FROM {key} = ?", given)


class Part(NamedTuple):
    """Spans of one trace that came together: its row, and their body. `root` is "" where its root is not among them;
    times are wall ns."""

    trace: bytes
    root: str
    start: int
    end: int
    error: bool
    spans: int
    instance: str
    body: bytes
