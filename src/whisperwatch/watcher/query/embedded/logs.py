"""Logs, answered from the store: by the full-text index where a text is looked for, else by level and component."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from whisperwatch.watcher.query.answers import LogAnswer, LogRecord, Series
from whisperwatch.watcher.query.embedded.windows import bin_size, windows
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS, LogKey
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import COLUMNS, FAMILY, TICKS, grade_of, tick_of
from whisperwatch.watcher.store.partitions import Partition, View
from whisperwatch.watcher.store.reading import Readers

_TIMEOUT_S: Final = 10.0
_SHORT: Final = 3
"""Fewer characters than the index knows of."""
_LOOKED_THROUGH: Final = 100_000
"""Records, from the newest, in which a short text is looked for."""
_NAMES: Final = ("debug", "info", "warning", "error", "critical")
_KEYS: Final = {"component": "component", "level": "grade", "logger": "logger", "instance": "instance"}


class EmbeddedLogs:
    """A `LogEngine`."""

    name = "embedded"

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        """See `engines.LogEngine`."""
        try:
            return await self._readers.run(
                lambda view: newest(view, filter, start, end, most, before), _TIMEOUT_S
            )
        except StoreError as error:
            raise EngineError(str(error)) from error

    async def count(self, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> Sequence[Series]:
        """See `engines.LogEngine`."""
        try:
            return await self._readers.run(lambda view: counts(view, filter, by, grid), _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error


def newest(
    view: View, filter: LogFilter, start: float, end: float, most: int, before: int | None
) -> LogAnswer:
    """The newest `most` of (start, end] that fit."""
    first, last = int(start * 1e9), int(end * 1e9)
    if before is not None:
        last = min(last, before - 1)
    looked = itertools.count()
    found: list[LogRecord] = []
    more = limited = False
    for partition in reversed(view.partitions(FAMILY, start, end)):
        search = _Search(view.connection, partition, filter, first, last)
        for row in search.rows(most + 1 - len(found), looked):
            if len(found) == most:
                more = True
                break
            found.append(_record(row))
        limited = limited or search.limited
        if more or limited:
            break
    notes = (
        (
            f"texts of fewer than {_SHORT} characters are looked for in the newest {_LOOKED_THROUGH:,} records only",
        )
        if limited
        else ()
    )
    return LogAnswer(tuple(found), more, notes=notes)


class _Search:
    """One filter over one day. `limited`: it was not looked through to its end."""

    def __init__(
        self, connection: sqlite3.Connection, partition: Partition, filter: LogFilter, first: int, last: int
    ) -> None:
        self._connection, self._table, self._filter = connection, partition.name, filter
        self._times = first, last
        self._ids = tick_of(first, partition.start), tick_of(last, partition.start)
        self.limited = False

    def rows(self, most: int, looked: Iterator[int]) -> Iterator[tuple[Any, ...]]:
        """The newest `most` that fit."""
        text = self._filter.text
        if not text:
            return iter(self._by_kind(most))
        if len(text) < _SHORT:
            return itertools.islice(self._short(fold(text), looked), most)
        return itertools.islice(self._by_index(text), most)

    def _conditions(self, *, kinds: bool = True) -> tuple[str, list[Any]]:
        """The filter's, and the time to the nanosecond: ticks are coarser."""
        where, values = conditions(self._filter, kinds=kinds)
        return f" AND at > ? AND at <= ?{where}", [*self._times, *values]

    def _by_kind(self, most: int) -> list[tuple[Any, ...]]:
        """Each level and component is in order by itself: the newest of each, then the newest of those."""
        where, values = self._conditions(kinds=False)
        kinds = self._kinds()
        if kinds is None:
            sql = f"SELECT {COLUMNS} FROM {self._table} WHERE id > ? AND id <= ?{where} ORDER BY id DESC LIMIT {most}"
            return self._connection.execute(sql, (*self._ids, *values)).fetchall()
        found: list[tuple[Any, ...]] = []
        for grade, component in kinds:
            found += self._connection.execute(
                f"SELECT {COLUMNS}, id FROM {self._table} WHERE grade = ? AND component = ? AND id > ? AND id <= ?"
                f"{where} ORDER BY id DESC LIMIT {most}",
                (grade, component, *self._ids, *values),
            ).fetchall()
        found.sort(key=lambda row: row[-1], reverse=True)
        return found[:most]

    def _kinds(self) -> list[tuple[int, str]] | None:
        """The levels and components that are meant and exist; None where all are meant."""
        if self._filter.level is None and not self._filter.components:
            return None
        grades = range(grade_of(LEVELS[self._filter.level]) if self._filter.level else 0, len(_NAMES))
        found = []
        for grade in grades:
            components = self._filter.components or self._components(grade)
            found += [(grade, component) for component in components]
        return found

    def _components(self, grade: int) -> list[str]:
        """Those that a level has, by skipping through the index."""
        found: list[str] = []
        while True:
            (following,) = self._connection.execute(
                f"SELECT min(component) FROM {self._table} WHERE grade = ? AND component > ?",
                (grade, found[-1] if found else ""),
            ).fetchone()
            if following is None:
                return found
            found.append(following)

    def _by_index(self, text: str) -> Iterator[tuple[Any, ...]]:
        needle = fold(text)
        where, values = self._conditions()
        index = f"{self._table}_text"
        columns = ", ".join(f"{self._table}.{column}" for column in COLUMNS.split(", "))
        rows = self._connection.execute(
            f"SELECT {columns} FROM {index} CROSS JOIN {self._table} ON {self._table}.id = {index}.rowid "
            f"WHERE {index} MATCH ? AND {index}.rowid > ? AND {index}.rowid <= ?{where} ORDER BY {index}.rowid DESC",
            (phrase(text), *self._ids, *values),
        )
        # the index folds a few letters otherwise than `fold` does
        return (row for row in rows if needle in fold(row[5]) or needle in fold(row[6]))

    def _short(self, needle: str, looked: Iterator[int]) -> Iterator[tuple[Any, ...]]:
        where, values = self._conditions()
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM {self._table} WHERE id > ? AND id <= ?{where} ORDER BY id DESC",
            (*self._ids, *values),
        )
        for row in rows:
            if next(looked) >= _LOOKED_THROUGH:
                self.limited = True
                return
            if needle in fold(row[5]) or needle in fold(row[6]):
                yield row


def phrase(text: str) -> str:
    """A text as a query of the index: one phrase, in which nothing has a meaning."""
    return '"' + text.replace('"', '""') + '"'


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
    for column, value in (("instance", filter.instance), ("event", filter.event)):
        if value is not None:
            found.append(f"{column} = ?")
            values.append(value)
    return "".join(f" AND {one}" for one in found), values


def counts(view: View, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> list[Series]:
    """How many fit, of each group and window."""
    where, values = conditions(filter)
    columns = "".join(f", {_KEYS[key]}" for key in by)
    size = bin_size(grid)
    bins: dict[tuple[Any, ...], dict[int, int]] = {}
    for partition in view.partitions(FAMILY, grid.start, grid.last):
        table, offset = partition.name, (grid.start - partition.start) * TICKS
        source, more, given = _with_text(table, filter.text)
        rows = view.connection.execute(
            f"SELECT ({table}.id - {offset + 1}) / {size * TICKS}, count(*){columns} FROM {source} "
            f"WHERE {table}.id > ? AND {table}.id <= ?{more}{where} GROUP BY 1{columns}",
            (offset, (grid.last - partition.start) * TICKS, *given, *values),
        )
        for number, count, *group in rows:
            of_group = bins.setdefault(tuple(group), {})
            of_group[number] = of_group.get(number, 0) + count
    return [
        Series(
            _group(by, group),
            tuple((at, float(sum(inside))) for at, inside in windows(grid, of_group) if inside),
        )
        for group, of_group in bins.items()
    ]


def _with_text(table: str, text: str | None) -> tuple[str, str, list[Any]]:
    if not text:
        return table, "", []
    if len(text) < _SHORT:
        return table, " AND (instr(lower(body), ?) OR instr(lower(exception), ?))", [fold(text), fold(text)]
    source = f"{table}_text JOIN {table} ON {table}.id = {table}_text.rowid"
    return source, f" AND {table}_text MATCH ?", [phrase(text)]


def _group(by: tuple[LogKey, ...], group: tuple[Any, ...]) -> dict[str, str]:
    return {
        key: _NAMES[value] if key == "level" else str(value) for key, value in zip(by, group, strict=True)
    }


def _record(row: tuple[Any, ...]) -> LogRecord:
    at, severity, level, component, logger, body, _, trace, span, instance, event, attributes = row[:12]
    return LogRecord(
        at, severity, level, component, logger, body,
        trace.hex() if trace else "", span.hex() if span else "", instance, event, json.loads(attributes),
    )  # fmt: skip
