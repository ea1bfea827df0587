"""The tables of traces: a line for each trace, and its spans as they came, packed.

A span is looked at with its whole trace or not at all, so they are packed together: a fifth of what rows would take.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.store.partitions import Family

DAY_S: Final = 86_400
ROW_BYTES: Final = 130
"""About what a part takes beside its body."""
_VERSION: Final = b"\x01"

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

PackedSpan = list[Any]
"""span id, parent id (hex), name, kind, start, end (wall ns), status, description, attributes, events, links."""


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


def encode(spans: Sequence[PackedSpan]) -> bytes:
    """Spans as a part's body."""
    text = json.dumps(spans, ensure_ascii=False, separators=(",", ":"), default=str)
    return _VERSION + zlib.compress(text.encode("utf-8", "replace"), 1)


def unpacked(body: bytes) -> str:
    """A part's body as JSON.

    Raises:
        ValueError: it is of a version that isn't known.
    """
    if body[:1] != _VERSION:
        raise ValueError(f"spans of version {body[0] if body else None} can't be read")
    return zlib.decompress(body[1:]).decode()


def decode(body: bytes) -> list[PackedSpan]:
    """The spans of a part's body; raises as `unpacked`."""
    found: list[PackedSpan] = json.loads(unpacked(body))
    return found
