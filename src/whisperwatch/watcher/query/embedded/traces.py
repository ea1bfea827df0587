"""Traces, answered from the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from whisperwatch.watcher.query.answers import (
    SpanEvent,
    SpanLink,
    SpanRecord,
    Trace,
    TraceList,
    TraceSummary,
)
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Match, TraceSearch
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.metrics.taken import text_of
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.store.traces.rows import FAMILY, PackedSpan, decode

_TIMEOUT_S: Final = 10.0
_LOOKED_INTO: Final = 5_000
"""Traces whose spans are unpacked for one question about attributes."""

_Line = tuple[bytes, str, int, int, int, int, str]
"""trace, root, start, end, error, spans, instance"""


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


def find(view: View, search: TraceSearch, start: float, end: float) -> TraceList:
    """The traces of (start, end] that fit."""
    found: list[TraceSummary] = []
    looked, notes = 0, tuple[str, ...]()
    for table, line in _lines(view, search, start, end):
        if search.where:
            if looked == _LOOKED_INTO:
                notes = (f"attributes were looked for in {_LOOKED_INTO:,} traces only: ask about less time",)
                break
            looked += 1
            if not any(_has(span[8], search.where) for span in _spans(view, table, line[0])):
                continue
        if len(found) == search.most:
            return TraceList(tuple(found), True)
        found.append(_summary(line))
    return TraceList(tuple(found), bool(notes), notes=notes)


def _lines(view: View, search: TraceSearch, start: float, end: float) -> Iterator[tuple[str, _Line]]:
    """Those that fit as far as their line tells, in the order asked for."""
    where, values = _conditions(search, start, end)
    partitions = list(reversed(view.partitions(FAMILY, start, end)))
    order = "end - start" if search.slowest else "start"
    if not search.slowest:
        for partition in partitions:
            rows = view.connection.execute(
                f"SELECT * FROM {partition.name} WHERE {where} ORDER BY {order} DESC", values
            )
            yield from ((partition.name, row) for row in rows)
        return
    if partitions:
        union = " UNION ALL ".join(
            f"SELECT '{partition.name}' AS source, * FROM {partition.name} WHERE {where}"
            for partition in partitions
        )
        rows = view.connection.execute(f"{union} ORDER BY end - start DESC", values * len(partitions))
        yield from ((row[0], row[1:]) for row in rows)


def _conditions(search: TraceSearch, start: float, end: float) -> tuple[str, list[Any]]:
    found, values = ["start > ? AND start <= ?"], [int(start * 1e9), int(end * 1e9)]
    told: list[tuple[str, Any]] = [
        ("root = ?", search.root),
        ("end - start >= ?", None if search.longer_s is None else round(search.longer_s * 1e9)),
        ("end - start <= ?", None if search.shorter_s is None else round(search.shorter_s * 1e9)),
        ("error = ?", search.error),
        ("instance = ?", search.instance),
    ]
    for condition, value in told:
        if value is not None:
            found.append(condition)
            values.append(value)
    return " AND ".join(found), values


def _spans(view: View, table: str, trace: bytes) -> Iterator[PackedSpan]:
    for (body,) in view.connection.execute(f"SELECT body FROM {table}_spans WHERE trace = ?", (trace,)):
        yield from decode(body)


def _has(attributes: dict[str, Any], where: tuple[Match, ...]) -> bool:
    return all(
        (text_of(attributes.get(match.attribute, "")) in match.values) is not match.negated for match in where
    )


def _summary(line: _Line) -> TraceSummary:
    trace, root, start, end, error, spans, instance = line
    return TraceSummary(trace.hex(), root, start, (end - start) / 1e9, bool(error), spans, instance)


def whole(view: View, trace_id: str) -> Trace:
    """All spans of a trace, by start."""
    trace = bytes.fromhex(trace_id)
    found: list[SpanRecord] = []
    for partition in view.partitions(FAMILY):
        line = view.connection.execute(
            f"SELECT instance FROM {partition.name} WHERE trace = ?", (trace,)
        ).fetchone()
        if line is not None:
            found += [_record(trace_id, span, line[0]) for span in _spans(view, partition.name, trace)]
    found.sort(key=lambda span: (span.start, span.parent_id != ""))
    return Trace(tuple(found))


def _record(trace_id: str, span: PackedSpan, instance: str) -> SpanRecord:
    span_id, parent, name, kind, start, end, status, description, attributes, events, links = span
    return SpanRecord(
        trace_id, span_id, parent, name, kind, start, end, status, description, attributes,
        tuple(SpanEvent(*event) for event in events), tuple(SpanLink(*link) for link in links), instance,
    )  # fmt: skip
