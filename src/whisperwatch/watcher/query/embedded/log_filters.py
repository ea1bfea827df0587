"""Filters of logs as what SQLite is asked."""

from __future__ import annotations

from typing import Any, Final

from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import grade_of

SHORT: Final = 3
"""The index knows of no text with fewer characters."""
MOST_IN_PHRASE: Final = 64
"""So much of a text is looked for in the index, for which a long one of few different trigrams is endless work."""


def phrase(needle: str) -> str:
    """The beginning of a folded text as a query of the index: one phrase, in which nothing has a meaning."""
    return '"' + needle[:MOST_IN_PHRASE].replace('"', '""') + '"'


def is_in(needle: str, body: str, exception: str) -> bool:
    """Whether a folded text is in either."""
    return needle in fold(body) or needle in fold(exception)


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
