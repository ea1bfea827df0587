"""What a span may say of SQL: the verb, the table, and the text without its literals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from whisperwatch.sql import Dialect, dialect_of

LONGEST = 2000
"""Characters of a text that are kept."""
LONGEST_READ = 4000
"""Characters of a text that are looked at: a dump of data is no statement that anybody reads."""
_NAME = 100
_LISTS = re.compile(r"\?(?:\s*,\s*\?)+")
_INNER = re.compile(r"\([^()]*\)")
_VERBS = frozenset({
    "ALTER", "ANALYZE", "BEGIN", "CALL", "CLOSE", "COMMENT", "COMMIT", "COPY", "CREATE", "DEALLOCATE",
    "DECLARE", "DELETE", "DISCARD", "DO", "DROP", "END", "EXECUTE", "EXPLAIN", "FETCH", "GRANT", "INSERT",
    "LISTEN", "LOCK", "MERGE", "MOVE", "NOTIFY", "PRAGMA", "PREPARE", "REFRESH", "REINDEX", "RELEASE",
    "REPLACE", "RESET", "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHOW", "START", "TABLE",
    "TRUNCATE", "UNLISTEN", "UPDATE", "VACUUM", "VALUES", "WITH",
})  # fmt: skip
_VERB = re.compile(r"[\s(]*([A-Za-z]+)")
_WRITES = re.compile(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\b", re.IGNORECASE)
_TABLE = re.compile(
    r"""\b(?:INTO|UPDATE|TABLE|TRUNCATE|COPY|(?:FROM|JOIN)(?!\s+[\w."$]++\s*\x01))\s+
        (?:TABLE\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?([\w."$]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_TABLES = frozenset({"SET", "SELECT", "LATERAL", "VALUES", "STDIN", "STDOUT"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is shown. `table` is empty where none is plain to see."""

    verb: str
    table: str
    text: str

    @property
    def summary(self) -> str:
        return f"{self.verb} {self.table}" if self.table else self.verb


def statement(query: str, system: str = "") -> Statement:
    """What may be said of `query`, as this database `system` reads it.

    What can't be read as SQL has no literals either: in doubt a `?` stands there.
    """
    masked = mask(query[:LONGEST_READ], system)
    found = _VERB.match(masked)
    verb = found.group(1).upper() if found else "OTHER"
    if verb == "WITH":
        writes = _WRITES.search(masked)
        verb = writes.group(1).split()[0].upper() if writes else "SELECT"
    elif verb not in _VERBS:
        return Statement("OTHER", "", masked[:LONGEST])
    table = _TABLE.search(_outline(masked))
    name = table.group(1).replace('"', "").strip(".")[:_NAME] if table and verb != "SET" else ""
    return Statement(verb, "" if name.upper() in _NO_TABLES else name, masked[:LONGEST])


def mask(query: str, system: str = "") -> str:
    """The text with `?` for each literal and for each list of them, without comments, its white space single."""
    return _LISTS.sub("?", _parts(dialect_of(system)).sub(_shown, query)).strip()


@cache
def _parts(dialect: Dialect) -> re.Pattern[str]:
    return re.compile(
        rf"""
          (?P<kept> {dialect.names}  |  \$\d+  |  (?![eE]'|[bBxXnN]'|[uU]&'|[nN]?[qQ]')[^\W\d][\w$]*+ )
        | (?P<space> (?: \s+  |  {dialect.comments} )++ )
        | {dialect.strings}
        | 0[xXoObB][\da-fA-F_]+ | (?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?
        """,
        re.VERBOSE | re.DOTALL,
    )


def _shown(part: re.Match[str]) -> str:
    match part.lastgroup:
        case "kept":
            return part.group()
        case "space":
            return " "
    return "?"


def _outline(text: str) -> str:
    """The text with a mark for what is in brackets: `FROM` is said of other things than tables there."""
    for _ in range(20):
        shorter = _INNER.sub("\x01", text)
        if len(shorter) == len(text):
            break
        text = shorter
    return text
