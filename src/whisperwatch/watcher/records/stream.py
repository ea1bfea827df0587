"""What one bot process has recorded, as its tape tells it."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.records.metrics import Cell, Exemplar, Instrument, Scope
from whisperwatch.watcher.records.reading import MOST_ENDPOINTS, Endpoint, Log, Records, Span
from whisperwatch.watcher.redaction import Redactor

_logger = logging.getLogger(__name__)
_NUMBERS: Final = frozenset({int, float, bool})
_SPAN_FIELDS: Final = 17
_LOG_FIELDS: Final = 12
_KINDS: Final = frozenset({"counter", "updowncounter", "gauge", "histogram"})


class Stream(Records):
    """What one bot process has recorded.

    A batch from another position, or one that names numbers that were never defined, never raises: what can't be
    placed is left out, counted in `skipped` and logged once. Cells with an attribute that is an id
    (`semconv.HASHED_ATTRIBUTES`) are refused, counted in `refused_cells`. What describes metrics is redacted here,
    before anybody reads it.
    """

    def __init__(self, resource: Mapping[str, Any], slot: int = 0, redactor: Redactor | None = None) -> None:
        super().__init__(resource, slot)
        self._redactor = redactor or Redactor()
        self.wall_offset_ns = 0
        self.skipped = 0
        self._position = 0
        self._repeated = False
        self._instruments: dict[int, Instrument] = {}
        self._cells: dict[int, tuple[Instrument, Cell] | None] = {}
        self._said = False

    @property
    def instruments(self) -> Iterable[Instrument]:
        return list(self._instruments.values())

    def take(self, batch: tuple[Any, ...]) -> list[Span]:
        """Apply a BATCH's definitions and cells; its spans that can be resolved come back, in their order."""
        try:
            _, position, offset, definitions, spans, cells, *_ = batch
        except ValueError:
            self._skip(1, f"a batch has {len(batch)} fields")
            return []
        self._repeated = not self._is_next(position)
        if self._repeated:
            self._skip(len(spans) + len(cells), f"batch {position} came again after {self._position}")
            return []
        self._position = position
        self.wall_offset_ns = offset
        for definition in definitions:
            self._define(definition, offset)
        for record in cells:
            self._update(record, offset)
        return self._resolvable(spans)

    def logs_of(self, batch: tuple[Any, ...]) -> list[Log]:
        """The logs of the BATCH that was just taken; none where it had come before."""
        if self._repeated:
            self._skip(len(batch[7]), "its logs came again")
            return []
        good = [log for log in batch[7] if len(log) == _LOG_FIELDS]
        if len(good) != len(batch[7]):
            self._skip(len(batch[7]) - len(good), "logs have another shape")
        return good

    def _is_next(self, position: int) -> bool:
        # 1 begins a new connection; after a gap, what can still be resolved is better than nothing
        if position not in (1, self._position + 1):
            if position <= self._position:
                return False
            self._skip(1, f"batch {position} came after {self._position}")
        return True

    def _define(self, definition: tuple[Any, ...], offset: int) -> None:
        try:
            sort, number, *rest = definition
            if sort == "scope":
                self.scopes.setdefault(number, Scope(*rest))
            elif sort == "attributes":
                self.attribute_sets.setdefault(number, *rest)
            elif sort == "instrument" and number not in self._instruments:
                self._define_instrument(number, *rest)
            elif sort == "cell" and number not in self._cells:
                self._define_cell(offset, number, *rest)
            elif sort == "endpoint" and number not in self.endpoints:
                self._define_endpoint(number, *rest)
        except (KeyError, TypeError, ValueError) as error:
            self._skip(1, f"the definition {_harmless(definition)!r:.200} can't be resolved ({error!r})")

    def _define_endpoint(self, number: int, *rest: Any) -> None:
        match rest:
            case (str(system), dict(arguments)):
                if len(self.endpoints) < MOST_ENDPOINTS:
                    self.endpoints[number] = Endpoint(system, arguments)
            case _:  # it may hold secrets, and is not quoted
                self._skip(1, f"an endpoint has {len(rest)} fields of other types")

    def _define_instrument(
        self, number: int, scope: int, name: str, kind: str, unit: str, description: str, bounds: Any
    ) -> None:
        if kind not in _KINDS:
            raise ValueError(f"no kind of metric is called {kind}")
        self.defined += 1
        self._instruments[number] = Instrument(
            self.scopes[scope],
            name,
            kind,
            unit or "",
            self._redactor.text(description or ""),
            tuple(bounds or ()),
        )

    def _define_cell(
        self, offset: int, number: int, instrument: int, attributes: dict[str, Any] | None, start: int
    ) -> None:
        owner = self._instruments[instrument]
        if attributes and not semconv.HASHED_ATTRIBUTES.isdisjoint(attributes):
            self._cells[number] = None
            self._refuse(owner.name)
            return
        self.defined += 1
        cell = Cell(self._redactor.attributes(attributes or {}), start + offset)
        owner.cells.append(cell)
        self._cells[number] = owner, cell

    def _update(self, record: tuple[Any, ...], offset: int) -> None:
        try:
            found = self._cells[record[0]]
            if found is None:
                return
            instrument, cell = found
            if instrument.kind != "histogram":
                _, value = record
                cell.value = _numbers(value)
                return
            _, count, total, least, most, buckets, exemplars = record
            if len(buckets) != len(instrument.bounds) + 1:
                raise ValueError(f"{len(buckets)} buckets for {len(instrument.bounds)} bounds")
            _numbers(count, total, *buckets, *(end for end in (least, most) if end is not None))
            cell.value = (count, total, least, most, tuple(buckets))
            for value, at, trace_id, span_id in exemplars or ():
                bucket = bisect_left(instrument.bounds, *_numbers(value))
                cell.exemplars[bucket] = cell.fresh[bucket] = Exemplar(value, at + offset, trace_id, span_id)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            self._skip(1, f"the cell {record!r:.200} can't be resolved ({error!r})")

    def _resolvable(self, spans: list[Span]) -> list[Span]:
        scopes, sets = self.scopes, self.attribute_sets
        try:
            good = [
                span for span in spans if len(span) == _SPAN_FIELDS and span[15] in scopes and span[9] in sets
            ]
        except (KeyError, TypeError):
            good = [span for span in spans if self._is_resolvable(span)]
        if len(good) != len(spans):
            self._skip(len(spans) - len(good), "spans name a scope or attributes that were never defined")
        return good

    def _is_resolvable(self, span: Any) -> bool:
        try:
            return len(span) == _SPAN_FIELDS and span[15] in self.scopes and span[9] in self.attribute_sets
        except (KeyError, TypeError):
            return False

    def _refuse(self, metric: str) -> None:
        if not self.refused_cells:
            _logger.warning(
                "%s has an id as an attribute: such points are left out, for ids are unbounded", metric
            )
        self.refused_cells += 1

    def _skip(self, records: int, why: str) -> None:
        self.skipped += records
        if not self._said:
            self._said = True
            _logger.warning(
                "what the bot's process sent can't be read in full: %s; it is left out, counted, and not logged again",
                why,
            )


def _numbers(*values: Any) -> tuple[Any, ...]:
    """They, if they are: all that shows or keeps them relies on it."""
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError("a value is no number")
    return values


def _harmless(definition: Any) -> Any:
    """A definition as the log may show it: an endpoint's may hold secrets."""
    return definition[:2] if isinstance(definition, tuple) and definition[:1] == ("endpoint",) else definition
