"""SQL without what was put into it: literals and comments are values that somebody wrote, the statement is not.

As the semantic conventions ask for `db.query.text`: `SELECT * FROM notes WHERE owner = 'ada'` leaves as
`SELECT * FROM notes WHERE owner = ?`. What stands in double quotes stays where the dialect has names there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from re import Match, Pattern
from typing import Any, Final

from whisperwatch.sql import Dialect, dialect_of

STATEMENTS: Final = frozenset({"db.query.text", "db.statement"})
"""Keys of attributes that hold SQL."""


def sanitized(statement: str, system: str = "") -> str:
    """The statement with `?` for each literal, and without comments. `system`: see `system_of`."""
    return _values(dialect_of(system)).sub(_masked, statement).strip()


def system_of(attributes: Mapping[str, Any]) -> str:
    """Which database the statement among these attributes was for, as far as they tell."""
    return str(attributes.get("db.system.name") or attributes.get("db.system") or "")


@cache
def _values(dialect: Dialect) -> Pattern[str]:
    return re.compile(
        rf"""
        (?P<comment> {dialect.comments} )
        | (?P<value> {dialect.strings} | (?<![\w$?:.])[+-]?\d[\w.]*+ )
        | {dialect.names}
        """,
        re.VERBOSE | re.DOTALL,
    )


def _masked(found: Match[str]) -> str:
    if found["comment"] is not None:
        return ""
    return "?" if found["value"] is not None else found[0]
