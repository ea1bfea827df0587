"""Filters of logs as what SQLite is asked."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any, Final

from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import grade_of

SHORT: Final = 3
"""Characters that a trigram has."""
_LAST: Final = "\U0010ffff"
_MOST_TRIGRAMS: Final = 64
"""So many of a text's are looked for; which records have all of it is looked at anyway."""
_MOST_TERMS: Final = 256
"""Of so many trigrams the index is asked for any one at once: each takes room for as long as is read."""
_MOST_RECORDS: Final = 50_000
"""So many records may have them."""


def trigrams(needle: str) -> str:
    """The records that may have a folded text of three or more characters, as a query of the index, in which nothing
    has a meaning."""
    found = dict.fromkeys(needle[at : at + SHORT] for at in range(len(needle) - SHORT + 1))
    return " AND ".join(_quoted(one) for one in list(found)[:_MOST_TRIGRAMS])


def beginnings(connection: Connection, table: str, needle: str) -> str | None:
    """As `trigrams`, for a text that is shorter; "" where no record has it, None where looking at all is faster."""
    terms, records = [], 0
    for term, count in connection.execute(
        f"SELECT term, doc FROM {table}_terms WHERE term >= ? AND term <= ?", (needle, needle + _LAST * SHORT)
    ):
        terms.append(_quoted(term))
        records += count
        if len(terms) > _MOST_TERMS or records > _MOST_RECORDS:
            return None
    return " OR ".join(terms)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def able_to_fold(connection: Connection) -> None:
    """Let it know what `having` asks. Not while it has statements that still run."""
    connection.create_function("folded", 1, fold, deterministic=True)


def having(table: str, needle: str) -> tuple[str, list[Any]]:
    """What SQL asks of a record that has a folded text, with its values."""
    columns = (f"{table}.body", f"{table}.exception")
    return f" AND ({' OR '.join(f'instr({_folded(one)}, ?)' for one in columns)})", [needle, needle]


def _folded(column: str) -> str:
    """Without a call of Python's where the text is ASCII."""
    is_ascii = f"length({column}) = length(CAST({column} AS BLOB))"
    return f"iif({is_ascii}, lower({column}), folded({column}))"


def conditions(filter: LogFilter, *, kinds: bool = True) -> tuple[str, list[Any]]:
    """What SQL asks beside time and text, with its values. `kinds`: level and component too."""
    found: list[str] = []
    values: list[Any] = []
    if kinds and filter.level is not None:
        found.append("grade >= ?")
        values.append(grade_of(LEVELS[filter.level]))
    if kinds and filter.components:
        found.append(f"component IN ({', '.join('?' * len(filter.components))})")
        values += filter.components
    if filter.logger is not None:
        found.append("(logger = ? OR substr(logger, 1, ?) = ?)")
        values += [filter.logger, len(filter.logger) + 1, f"{filter.logger}."]
    if filter.trace_id is not None:
        found.append("trace = ?")
        values.append(bytes.fromhex(filter.trace_id))
    if filter.instance is not None:
        found.append("instance = ?")
        values.append(filter.instance)
    if filter.event:
        found.append("event != '' AND event = ?")  # said twice: so SQLite sees that its index has them
        values.append(filter.event)
    return "".join(f" AND {one}" for one in found), values
