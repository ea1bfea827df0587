"""The newest log records that fit: by the full-text index where a text is looked for, else by level and component.

Of one or two characters the index knows only by all trigrams that begin with them, which takes long where they are
frequent: so the newest records are looked at first, and seldom is more than these needed.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from typing import Any, Final

from whisperwatch.watcher.query.answers import LogAnswer, LogRecord
from whisperwatch.watcher.query.embedded.log_filters import (
    SHORT,
    able_to_fold,
    beginnings,
    conditions,
    having,
    trigrams,
)
from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import COLUMNS, FAMILY, TICKS, grade_of, tick_of
from whisperwatch.watcher.store.partitions import Partition, View

_GLANCE: Final = 2_000
"""So many of the newest records are looked at for a text that is shorter than a trigram, before the index is asked."""
_FEW: Final = 2_000
"""Of so few records of the levels and components that are meant each is looked at, rather than the index."""
_WITHIN: Final = "id > ? AND id <= ? AND at > ? AND at <= ?"
"""A piece of time, by numbers and then exactly."""
_ASTRAY: Final = 256
"""By how many ticks the order of numbers may differ from that of times."""
_GRADES: Final = 5

_Row = tuple[Any, ...]


def newest(
    view: View, filter: LogFilter, start: float, end: float, most: int, before: int | None
) -> LogAnswer:
    """The newest `most` of (start, end] that fit."""
    first, last = round(start * 1e9), round(end * 1e9)
    if before is not None:
        last = min(last, before - 1)
    found: list[_Row] = []
    floor = more = None
    for place, row in _rows(view, filter, first, last):
        if floor is not None and place < floor:
            more = True
            break
        found.append(row)
        if len(found) == most:  # what is newer than the oldest of these may still follow, but not far
            floor = tick_of(min(row[0] for row in found), 0) - _ASTRAY
    found.sort(key=lambda row: row[0], reverse=True)
    records = tuple(_record(row) for row in found[:most])
    return LogAnswer(records, bool(more) or len(found) > most)


def _rows(view: View, filter: LogFilter, first: int, last: int) -> Iterator[tuple[int, _Row]]:
    """Those of wall times (first, last], in ns, that fit; with their places: ticks since 1970, descending."""
    able_to_fold(view.connection)
    glance = _GLANCE
    for partition in reversed(view.partitions(FAMILY, first / 1e9, last / 1e9)):
        day = _Day(view, partition, filter, (first, last))
        for row in day.rows(glance):
            yield partition.start * TICKS + row[0], row[1:]
        glance -= day.glanced


class _Day:
    """One filter over one partition; its rows begin with their numbers.

    Attributes:
        glanced: how many records were looked at for a short text.
    """

    def __init__(self, view: View, partition: Partition, filter: LogFilter, times: tuple[int, int]) -> None:
        self._connection, self._table = view.connection, partition.name
        self._execute = view.connection.execute
        self._filter, self._needle = filter, fold(filter.text or "")
        self._text, self._texts = having(self._table, self._needle) if self._needle else ("", [])
        after, until = (tick_of(at, partition.start) for at in times)
        # the whole seconds, which no number leaves; then exactly
        self._ids = ((after - 1) // TICKS * TICKS, -(-until // TICKS) * TICKS)
        self._times = times
        self.glanced = 0

    def rows(self, glance: int) -> Iterator[_Row]:
        """The newest first. `glance`: how many records may be looked at for a short text before the index is asked."""
        kinds = self._kinds()
        if not self._needle or (kinds is not None and self._are_few(kinds)):
            yield from self._by_kind(kinds, *self._ids)
        elif len(self._needle) >= SHORT:
            yield from self._by_index(trigrams(self._needle), *self._ids)
        else:
            yield from self._short(kinds, glance)

    def _short(self, kinds: list[tuple[int, str]] | None, glance: int) -> Iterator[_Row]:
        after, until = self._ids
        self.glanced, lowest = self._execute(
            f"SELECT count(*), min(id) FROM (SELECT id FROM {self._table} WHERE id > ? AND id <= ? "
            "ORDER BY id DESC LIMIT ?)",
            (after, until, glance),
        ).fetchone()
        older = until if lowest is None else lowest - 1
        yield from self._by_kind(kinds, older, until)
        if self.glanced < glance:
            return  # there are no more
        terms = beginnings(self._connection, self._table, self._needle)
        if terms is None:
            yield from self._by_kind(kinds, after, older)
        elif terms:
            yield from self._by_index(terms, after, older)

    def _by_kind(self, kinds: list[tuple[int, str]] | None, after: int, until: int) -> Iterator[_Row]:
        """Each level and component is in order by itself."""
        where, values = conditions(self._filter, kinds=False)
        sql = (
            f"SELECT id, {COLUMNS} FROM {self._table} WHERE {{}}{_WITHIN}{where}{self._text} ORDER BY id DESC"
        )
        given = (after, until, *self._times, *values, *self._texts)
        if kinds is None:
            return self._execute(sql.format(""), given)
        one_kind = sql.format("grade = ? AND component = ? AND ")
        cursors = [self._execute(one_kind, (*kind, *given)) for kind in kinds]
        return heapq.merge(*cursors, key=_number, reverse=True)

    def _kinds(self) -> list[tuple[int, str]] | None:
        """The levels and components that are meant; None where all are."""
        if self._filter.level is None and not self._filter.components:
            return None
        grades = range(grade_of(LEVELS[self._filter.level]) if self._filter.level else 0, _GRADES)
        components = dict.fromkeys(self._filter.components)
        return [(grade, one) for grade in grades for one in components or self._components(grade)]

    def _components(self, grade: int) -> list[str]:
        """Those that a level has, by skipping through the index."""
        found: list[str] = []
        sql = f"SELECT min(component) FROM {self._table} WHERE grade = ?"
        (following,) = self._execute(sql, (grade,)).fetchone()
        while following is not None:
            found.append(following)
            (following,) = self._execute(f"{sql} AND component > ?", (grade, following)).fetchone()
        return found

    def _are_few(self, kinds: list[tuple[int, str]]) -> bool:
        left = _FEW
        for kind in kinds:
            (count,) = self._execute(
                f"SELECT count(*) FROM (SELECT 1 FROM {self._table} WHERE grade = ? AND component = ? AND id > ? "
                "AND id <= ? LIMIT ?)",
                (*kind, *self._ids, left + 1),
            ).fetchone()
            left -= count
            if left < 0:
                return False
        return True

    def _by_index(self, terms: str, after: int, until: int) -> Iterator[_Row]:
        where, values = conditions(self._filter)
        text = f"{self._table}_text"
        return self._execute(
            f"SELECT id, {_of(self._table)} FROM {text} CROSS JOIN {self._table} ON id = {text}.rowid "
            f"WHERE {text} MATCH ? AND {text}.rowid > ? AND {text}.rowid <= ? AND at > ? AND at <= ?{where}"
            f"{self._text} ORDER BY {text}.rowid DESC",
            (terms, after, until, *self._times, *values, *self._texts),
        )


def _of(table: str) -> str:
    """The columns, some of which the index has too."""
    return ", ".join(f"{table}.{column}" for column in COLUMNS.split(", "))


def _number(row: _Row) -> int:
    return int(row[0])


def _record(row: _Row) -> LogRecord:
    at, severity, level, component, logger, body, _, trace, span, instance, event, attributes = row
    return LogRecord(
        at, severity, level, component, logger, body,
        trace.hex() if trace else "", span.hex() if span else "", instance, event, json.loads(attributes),
    )  # fmt: skip
