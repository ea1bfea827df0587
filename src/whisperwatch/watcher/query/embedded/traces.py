"""Traces, answered from the store."""

from __future__ import annotations

import heapq
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from whisperwatch.watcher.query.answers import (
    SpanEvent,
    SpanLink,
    SpanRecord,
    Trace,
    TraceList,
    Traces,
    TraceSummary,
)
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Match, TraceSearch
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.metrics.taken import text_of
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.store.traces.packing import PackedSpan, decode, unpacked
from whisperwatch.watcher.store.traces.rows import COLUMNS, FAMILY

_TIMEOUT_S: Final = 10.0
_LOOKED_INTO: Final = 5_000
"""Traces whose spans are unpacked for one question about attributes."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/-]+")
_OTHERWISE: Final = frozenset({"None", "nan", "inf", "-inf"})

_Line = tuple[bytes, str, int, int, int, int, str]
"""As `COLUMNS`."""


class EmbeddedTraces:
    """A `TraceEngine`."""

    name = "embedded"

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def search(self, search: TraceSearch, start: float, end: float) -> TraceList:
        """See `engines.TraceEngine`."""
        try:
            return await self._readers.run(lambda view: find(view, search, start, end), _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error

    async def trace(self, trace_id: str) -> Trace:
        """See `engines.TraceEngine`."""
        try:
            return await self._readers.run(lambda view: whole(view, trace_id), _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error

    async def traces(self, trace_ids: Sequence[str]) -> Traces:
        """See `engines.TraceEngine`."""
        try:
            return await self._readers.run(lambda view: Traces(several(view, trace_ids)), _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error


def find(view: View, search: TraceSearch, start: float, end: float) -> TraceList:
    """The traces of (start, end] that fit."""
    found: list[TraceSummary] = []
    looked, notes, has = 0, tuple[str, ...](), _Has(search.where)
    for table, line in _lines(view, search, start, end):
        if search.where:
            if looked == _LOOKED_INTO:
                notes = (f"attributes were looked for in {_LOOKED_INTO:,} traces only: ask about less time",)
                break
            looked += 1
            if not any(has(body) for body in _bodies(view, table, line[0])):
                continue
        if len(found) == search.most:
            return TraceList(tuple(found), True)
        found.append(_summary(line))
    return TraceList(tuple(found), bool(notes), notes=notes)


def _lines(view: View, search: TraceSearch, start: float, end: float) -> Iterator[tuple[str, _Line]]:
    """Those that fit as far as their line tells, in the order asked for."""
    where, values = _conditions(search, start, end)
    order = "end - start DESC, start DESC" if search.slowest else "start DESC"
    if not search.where:  # what of a line's spans is looked at may take any number of lines
        order += f" LIMIT {search.most + 1}"

    def of_day(table: str) -> Iterator[tuple[str, _Line]]:
        rows = view.connection.execute(
            f"SELECT {COLUMNS} FROM {table} WHERE {where} ORDER BY {order}", values
        )
        return ((table, row) for row in rows)

    days = (of_day(partition.name) for partition in reversed(view.partitions(FAMILY, start, end)))
    if search.slowest:
        return heapq.merge(*days, key=_slowness, reverse=True)
    return itertools.chain.from_iterable(days)


def _slowness(of_table: tuple[str, _Line]) -> tuple[int, int]:
    _, (_, _, start, end, *_) = of_table
    return end - start, start


def _conditions(search: TraceSearch, start: float, end: float) -> tuple[str, list[Any]]:
    found = ["start > ? AND start <= ?"]
    values: list[Any] = [round(start * 1e9), round(end * 1e9)]
    if search.roots:
        found.append(f"root IN ({', '.join('?' * len(search.roots))})")
        values += search.roots
    told: list[tuple[str, Any]] = [
        ("end - start >= ?", None if search.longer_s is None else round(search.longer_s * 1e9)),
        ("end - start <= ?", None if search.shorter_s is None else round(search.shorter_s * 1e9)),
        ("instance = ?", search.instance),
    ]
    for condition, value in told:
        if value is not None:
            found.append(condition)
            values.append(value)
    if search.error is not None:
        found.append("error" if search.error else "NOT error")
    return " AND ".join(found), values


def _bodies(view: View, table: str, trace: bytes) -> Iterator[bytes]:
    number = f"(SELECT id FROM {table} WHERE trace = ?)"
    for (body,) in view.connection.execute(
        f"SELECT body FROM {table}_spans WHERE trace = {number}", (trace,)
    ):
        yield body


class _Has:
    """Whether some span of a part has attributes. Most that have not are told by their text, unread."""

    def __init__(self, where: tuple[Match, ...]) -> None:
        self._where = where
        wanted = [match for match in where if not match.negated and "" not in match.values]
        self._keys = [json.dumps(match.attribute, ensure_ascii=False) + ":" for match in wanted]
        self._values = [match.values for match in wanted if all(map(_is_plain, match.values))]

    def __call__(self, body: bytes) -> bool:
        text = unpacked(body)
        if not all(key in text for key in self._keys):
            return False
        if not all(any(value in text for value in values) for values in self._values):
            return False
        return any(self._fits(span[8]) for span in json.loads(text))

    def _fits(self, attributes: dict[str, Any]) -> bool:
        return all(
            (text_of(attributes.get(match.attribute, "")) in match.values) is not match.negated
            for match in self._where
        )


def _is_plain(value: str) -> bool:
    """Whether it is in JSON as it is in an answer."""
    return _PLAIN.fullmatch(value) is not None and value not in _OTHERWISE


def _summary(line: _Line) -> TraceSummary:
    trace, root, start, end, error, spans, instance = line
    return TraceSummary(trace.hex(), root, start, (end - start) / 1e9, bool(error), spans, instance)


def whole(view: View, trace_id: str) -> Trace:
    """All spans of a trace, by start."""
    return next(iter(several(view, (trace_id,))), Trace(()))


def several(view: View, trace_ids: Sequence[str]) -> tuple[Trace, ...]:
    """The traces of these that there are, in their order, with all spans by start: a question for each day."""
    found: dict[str, list[SpanRecord]] = {trace_id: [] for trace_id in trace_ids}
    wanted = [bytes.fromhex(trace_id) for trace_id in found]
    places = ", ".join("?" * len(wanted))
    for partition in view.partitions(FAMILY):
        name = partition.name
        rows = view.connection.execute(
            f"SELECT line.trace, instance, body FROM {name} AS line JOIN {name}_spans AS spans ON spans.trace = id "
            f"WHERE line.trace IN ({places})",
            wanted,
        )
        for trace, instance, body in rows:
            spans = found[trace_id := trace.hex()]
            spans += [_record(trace_id, span, instance) for span in decode(body)]
    for spans in found.values():
        spans.sort(key=lambda span: (span.start, span.parent_id != ""))
    return tuple(Trace(tuple(spans)) for spans in found.values() if spans)


def _record(trace_id: str, span: PackedSpan, instance: str) -> SpanRecord:
    span_id, parent, name, kind, start, end, status, description, attributes, events, links = span
    return SpanRecord(
        trace_id, span_id, parent, name, kind, start, end, status, description, attributes,
        tuple(SpanEvent(*event) for event in events), tuple(SpanLink(*link) for link in links), instance,
    )  # fmt: skip
