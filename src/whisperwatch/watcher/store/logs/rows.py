"""The tables of log records: one a day, in the order of time, with a full-text index beside it.

A record's number is its time, in ticks of 2^-16 s since its partition began: so what is newest has the largest number,
in the table as in the index, and a time is a range of numbers. Of two records of one tick the second takes the next
(see `numbers`). The index is of trigrams of the folded text, so that any three characters in a row are found, in any
case of letters, by Unicode's simple folding, whatever version of Unicode SQLite knows. It says which records have a
trigram, not where: that halves what it takes to write and to keep; and its pieces are put together sixteen at a time,
not four, which is a third of the writing again. Two characters follow each text, so that each of its
own begins a trigram, and shorter texts are found by the beginnings of those that there are (`{table}_terms`).
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, Final

from whisperwatch.watcher.store.partitions import Family

TICKS: Final = 65_536
"""A second."""
DAY_S: Final = 86_400
_THRESHOLDS: Final = (9, 13, 17, 21)
_END: Final = "\n\n"
_NONE: Final = "\ufffe\uffff"
"""No characters: SQLite reads them as U+FFFD."""

Row = tuple[Any, ...]
"""at (wall ns), severity, level's text, component, logger, body, exception ("Type: text" or ""), trace id and span id
(bytes or None), instance, event, attributes (JSON)."""

_INDEX: Final = (
    "CREATE VIRTUAL TABLE {table}_text USING fts5 (body, exception, content='{table}', content_rowid='id', "
    "tokenize='trigram case_sensitive 1', columnsize=0, detail=none)",
    "INSERT INTO {table}_text ({table}_text, rank) VALUES ('automerge', 16)",
    "CREATE VIRTUAL TABLE {table}_terms USING fts5vocab ('{table}_text', 'row')",
)
_NO_INDEX: Final = ("DROP TABLE IF EXISTS {table}_terms", "DROP TABLE IF EXISTS {table}_text")
FAMILY: Final = Family(
    "logs",
    DAY_S,
    (
        "CREATE TABLE {table} (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, severity INTEGER NOT NULL, "
        "grade INTEGER NOT NULL, level TEXT NOT NULL, component TEXT NOT NULL, logger TEXT NOT NULL, "
        "body TEXT NOT NULL, exception TEXT NOT NULL, trace BLOB, span BLOB, instance TEXT NOT NULL, "
        "event TEXT NOT NULL, attributes TEXT NOT NULL)",
        "CREATE INDEX {table}_kind ON {table} (grade, component)",
        "CREATE INDEX {table}_trace ON {table} (trace) WHERE trace IS NOT NULL",
        "CREATE INDEX {table}_event ON {table} (event) WHERE event != ''",
        *_INDEX,
    ),
    (*_NO_INDEX, "DROP TABLE IF EXISTS {table}"),
)
COLUMNS: Final = (
    "at, severity, level, component, logger, body, exception, trace, span, instance, event, attributes"
)


@lru_cache(64)
def grade_of(severity: int) -> int:
    """0 for debug to 4 for critical, of an OpenTelemetry severity number."""
    return bisect_right(_THRESHOLDS, severity)


def tick_of(wall_ns: int, start: int) -> int:
    """A time's number in the partition that began at `start` (unix s): the first tick that is not before it."""
    return -((start * 1_000_000_000 - wall_ns) * TICKS // 1_000_000_000)


def index_anew(connection: Connection, table: str) -> None:
    """Put the full-text index together from the records that there are."""
    connection.create_function("indexed", 1, indexed, deterministic=True)
    for statement in (*_NO_INDEX, *_INDEX):
        connection.execute(statement.format(table=table))
    connection.execute(
        f"INSERT INTO {table}_text (rowid, body, exception) "
        f"SELECT id, indexed(body), indexed(exception) FROM {table} ORDER BY id"
    )


def indexed(text: str) -> str:
    """What the index is told of a text."""
    return fold(text) + _END if text else ""


def fold(text: str) -> str:
    """A text without the case of its letters, each by itself, as Loki's `(?i)` does it. Its length stays."""
    return text.lower() if text.isascii() else "".join(map(_fold, text))


@lru_cache(4096)
def _fold(letter: str) -> str:
    if letter in _NONE:
        return "\ufffd"
    folded = letter.casefold()
    if len(folded) == 1:
        return folded
    lower = letter.lower()
    return lower if len(lower) == 1 else letter
