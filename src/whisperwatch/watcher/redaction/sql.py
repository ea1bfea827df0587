"""SQL without what was put into it: literals and comments are values that somebody wrote, the statement is not.

As the semantic conventions ask for `db.query.text`: `SELECT * FROM notes WHERE owner = 'ada'` leaves as
`SELECT * FROM notes WHERE owner = ?`. Double quotes stand around names, as the standard has it, and stay.
"""

from __future__ import annotations

import re
from re import Match
from typing import Final

STATEMENTS: Final = frozenset({"db.query.text", "db.statement"})
"""Keys of attributes that hold SQL."""
_VALUES: Final = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*(?s:.*?)(?:\*/|\Z) )
    | (?P<value>
        \b[eE]'(?:[^'\\]|\\.|'')*+(?:'|\Z)                      # E'it\'s'
        | (?:\b[bBxXnN])?'(?:[^']|'')*+(?:'|\Z)
        | \$(?P<tag>[A-Za-z_]\w{0,62}|)\$(?s:.*?)(?:\$(?P=tag)\$|\Z)
        | (?<![\w$?:.])[+-]?\d[\w.]*+
      )
    | "(?:[^"]|"")*+"                                          # a name
    """,
    re.VERBOSE,
)


def sanitized(statement: str) -> str:
    """The statement with `?` for each literal, and without comments."""
    return _VALUES.sub(_masked, statement).strip()


def _masked(found: Match[str]) -> str:
    if found["comment"] is not None:
        return ""
    return "?" if found["value"] is not None else found[0]
