"""Many rows with few statements.

After each statement the store's thread waits until the watcher's loop lets the interpreter go (soon, by
`interpreter.share`): a busy loop would make one statement a row a hundred times slower than the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from sqlite3 import Connection
from typing import Any, Final

_TOGETHER: Final = (2048, 512, 64, 8, 1)
"""Rows of one statement: few sizes, so that SQLite has them all prepared."""
_VARIABLES: Final = 32_766
"""So many `?` a statement may have (SQLITE_MAX_VARIABLE_NUMBER, unless SQLite was built with more)."""


def insert_many(
    connection: Connection,
    into: str,
    rows: Sequence[Sequence[Any]],
    *,
    insert: str = "INSERT",
    ending: str = "",
    values: str = "",
) -> None:
    """Insert rows of one length.

    Args:
        into: the table, and its columns in parentheses.
        insert: such as `INSERT OR REPLACE`.
        ending: such as ` ON CONFLICT …`.
        values: of one row, with a `?` for each item, such as `((SELECT …), ?)`; by default the items.
    """
    if not rows:
        return
    columns = len(rows[0])
    one = values or f"({', '.join('?' * columns)})"
    at = 0
    for together in _TOGETHER:
        if together * columns > _VARIABLES:
            continue
        statement = f"{insert} INTO {into} VALUES {', '.join([one] * together)}{ending}"
        while len(rows) - at >= together:
            connection.execute(statement, list(chain.from_iterable(rows[at : at + together])))
            at += together
