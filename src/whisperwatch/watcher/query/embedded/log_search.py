"""The newest log records that fit: by the full-text index where a text is looked for, else by level and component."""

from __future__ import annotations

import heapq
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.query.answers import LogAnswer, LogRecord
from whisperwatch.watcher.query.embedded.log_filters import SHORT, conditions, is_in, phrase
from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import COLUMNS, FAMILY, TICKS, grade_of, tick_of
from whisperwatch.watcher.store.partitions import Partition, View

LOOKED_THROUGH: Final = 20_000
"""Records, from the newest, in which a text is looked for that is too short for the index."""
_AT_ONCE: Final = 128
"""Of so many records the texts come out of SQLite as one, in which Python looks once."""
_FEW: Final = 2_000
"""Of so few records each is looked at, rather than the index."""
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
    search = _Search(view, filter, first, last)
    found: list[_Row] = []
    floor = more = None
    for place, row in search.rows():
        if floor is not None and place < floor:
            more = True
            break
        found.append(row)
        if len(found) == most:  # what is newer than the oldest of these may still follow, but not far
            floor = tick_of(min(row[0] for row in found), 0) - _ASTRAY
    found.sort(key=lambda row: row[0], reverse=True)
    records = tuple(_record(row) for row in found[:most])
    return LogAnswer(records, bool(more) or len(found) > most, notes=search.notes)


class _Search:
    """One filter over wall times (first, last], in ns."""

    def __init__(self, view: View, filter: LogFilter, first: int, last: int) -> None:
        self._view, self._filter, self._times = view, filter, (first, last)
        self._needle = fold(filter.text or "")
        self._allowance = _Allowance(LOOKED_THROUGH)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of what was found."""
        if not self._allowance.exceeded:
            return ()
        return (
            f"texts of fewer than {SHORT} characters are looked for in the newest {LOOKED_THROUGH:,} records only",
        )

    def rows(self) -> Iterator[tuple[int, _Row]]:
        """Those that fit with their places: ticks since 1970, descending."""
        first, last = self._times
        for partition in reversed(self._view.partitions(FAMILY, first / 1e9, last / 1e9)):
            day = _Day(self._view, partition, self._filter, self._needle, self._times)
            for row in day.rows(self._allowance):
                yield partition.start * TICKS + row[0], row[1:]
            if self._allowance.exceeded:
                return


@dataclass(slots=True)
class _Allowance:
    """How many records may still be looked at one by one; `exceeded`: there were more."""

    left: int
    exceeded: bool = False

    def spend(self, count: int) -> bool:
        """Look at so many of them; says whether they may be."""
        self.exceeded = count > self.left
        self.left -= count
        return not self.exceeded


class _Day:
    """One filter over one partition; its rows begin with their numbers."""

    def __init__(
        self, view: View, partition: Partition, filter: LogFilter, needle: str, times: tuple[int, int]
    ) -> None:
        self._execute, self._table = view.connection.execute, partition.name
        self._filter, self._needle = filter, needle
        after, until = (tick_of(at, partition.start) for at in times)
        # the whole seconds, which no number leaves; then exactly
        self._ids = ((after - 1) // TICKS * TICKS, -(-until // TICKS) * TICKS)
        self._span = (*self._ids, *times)

    def rows(self, allowance: _Allowance) -> Iterator[_Row]:
        """The newest first."""
        if not self._needle:
            return self._by_kind(f"id, {COLUMNS}")
        kinds = self._kinds()
        if kinds is not None and self._are_few(kinds):
            return self._scanned(_Allowance(sys.maxsize))
        if len(self._needle) < SHORT:
            return self._scanned(allowance) if kinds is not None else self._scanned_at_once(allowance)
        return self._by_index()

    def _by_kind(self, columns: str) -> Iterator[_Row]:
        """Each level and component is in order by itself."""
        where, values = conditions(self._filter, kinds=False)
        sql = f"SELECT {columns} FROM {self._table} WHERE {{}}{_WITHIN}{where} ORDER BY id DESC"
        kinds = self._kinds()
        if kinds is None:
            return self._execute(sql.format(""), (*self._span, *values))
        one_kind = sql.format("grade = ? AND component = ? AND ")
        cursors = [self._execute(one_kind, (*kind, *self._span, *values)) for kind in kinds]
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

    def _scanned(self, allowance: _Allowance) -> Iterator[_Row]:
        for number, body, exception in self._by_kind("id, body, exception"):
            if not allowance.spend(1):
                return
            if is_in(self._needle, body, exception):
                yield self._execute(
                    f"SELECT id, {COLUMNS} FROM {self._table} WHERE id = ?", (number,)
                ).fetchone()

    def _scanned_at_once(self, allowance: _Allowance) -> Iterator[_Row]:
        """As `_scanned`, of all levels and components, in two thirds of the time where few records have the text."""
        where, values = conditions(self._filter)
        after, until, *times = self._span
        span = f"FROM {self._table} WHERE {_WITHIN}{where} ORDER BY id DESC"
        texts = (
            "SELECT count(*), min(id), group_concat(body, char(10)), group_concat(exception, char(10)) "
            f"FROM (SELECT id, body, exception {span} LIMIT ?)"
        )
        while True:
            most = min(_AT_ONCE, allowance.left) or 1
            count, lowest, *told = self._execute(texts, (after, until, *times, *values, most)).fetchone()
            if not count or not allowance.spend(count):
                return
            if is_in(self._needle, *told):
                found = self._execute(f"SELECT id, {COLUMNS} {span}", (lowest - 1, until, *times, *values))
                yield from (row for row in found if is_in(self._needle, row[6], row[7]))
            until = lowest - 1

    def _by_index(self) -> Iterator[_Row]:
        where, values = conditions(self._filter)
        text = f"{self._table}_text"
        rows = self._execute(
            f"SELECT id, {_of(self._table)} FROM {text} CROSS JOIN {self._table} ON id = {text}.rowid "
            f"WHERE {text} MATCH ? AND {text}.rowid > ? AND {text}.rowid <= ? AND at > ? AND at <= ?{where} "
            f"ORDER BY {text}.rowid DESC",
            (phrase(self._needle), *self._span, *values),
        )
        return (row for row in rows if is_in(self._needle, row[6], row[7]))


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
