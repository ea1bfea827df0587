"""The tables of traces: a line for each trace, and its spans as they came, packed (see `packing`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.partitions import Family

DAY_S: Final = 86_400
ROW_BYTES: Final = 130
"""About what a part takes beside its body."""

FAMILY: Final = Family(
    "traces",
    DAY_S,
    (
        "CREATE TABLE {table} (trace BLOB PRIMARY KEY, root TEXT NOT NULL, start INTEGER NOT NULL, "
        "end INTEGER NOT NULL, error INTEGER NOT NULL, spans INTEGER NOT NULL, instance TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX {table}_start ON {table} (start)",
        "CREATE INDEX {table}_failed ON {table} (start) WHERE error",
        "CREATE TABLE {table}_spans (trace BLOB NOT NULL, body BLOB NOT NULL)",
        "CREATE INDEX {table}_spans_trace ON {table}_spans (trace)",
    ),
    tuple(f"DROP TABLE IF EXISTS {{table}}{ending}" for ending in ("_doomed", "_spans", "")),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Spans of one trace that came together. `root` is "" where its root is not among them; times are wall ns."""

    trace: bytes
    root: str
    start: int
    end: int
    error: bool
    spans: int
    instance: str
    body: bytes
