"""Cells: one object for the numbers of one attribute set, found once and updated in a fraction of a microsecond.

A cell is never reset. An update adds to it and, the first time since it was last taken, puts it on the recorder's
queue of changed cells. CPython switches threads only at calls and at backward jumps, so an update, which has neither
between reading and writing a number, loses nothing to another thread; `tests/bot/recording` hold it to that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry.attributes import _clean_attribute_value

from whisperwatch import semconv

if TYPE_CHECKING:
    from whisperwatch.bot.recording.recorder import Recorder
    from whisperwatch.bot.recording.spans import Span

Number = int | float
Attributes = dict[str, Any]

DEFAULT_CAP = 2000
"""Attribute sets of one instrument, the overflow's not counted: the default of the OpenTelemetry specification."""
_OVERFLOW: Attributes = {semconv.OVERFLOW: True}


class Value:
    """A sum or a gauge."""

    __slots__ = ("attributes", "changed", "dirty", "mirror", "number", "value")

    def __init__(self, number: int, attributes: Attributes, changed: list[Any], bounds: tuple[float, ...]) -> None:
        self.number = number
        self.attributes = attributes
        self.changed = changed
        self.dirty = False
        self.mirror: Any = None
        self.value: Number = 0

    def add(self, amount: Number) -> None:
        self.value += amount
        if not self.dirty:
            self.dirty = True
            self.changed.append(self)
        if self.mirror is not None:
            self.mirror.add(amount, self.attributes)

    def set(self, value: Number) -> None:
        self.value = value
        if not self.dirty:
            self.dirty = True
            self.changed.append(self)
        if self.mirror is not None:
            self.mirror.set(value, self.attributes)

    def take(self) -> tuple[Any, ...]:
        return (self.number, self.value)

    def zero(self) -> None:
        self.value = 0


class Distribution:
    """A histogram with explicit bounds, and the newest exemplar of each bucket."""

    __slots__ = ("attributes", "bounds", "changed", "counts", "dirty", "exemplars", "highest", "lowest", "mirror", "number", "sum")

    def __init__(self, number: int, attributes: Attributes, changed: list[Any], bounds: tuple[float, ...]) -> None:
        self.number = number
        self.attributes = attributes
        self.changed = changed
        self.bounds = bounds
        self.dirty = False
        self.mirror: Any = None
        self.zero()

    def zero(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum: Number = 0
        self.lowest = float("inf")
        self.highest = float("-inf")
        self.exemplars: dict[int, tuple[Number, int, int, int]] = {}

    def record(self, value: Number, span: Span | None = None) -> None:
        """Count `value`. `span`, where it is given and sampled, becomes the bucket's exemplar."""
        bucket = bisect_left(self.bounds, value)
        self.counts[bucket] += 1
        self.sum += value
        if value < self.lowest:
            self.lowest = value
        if value > self.highest:
            self.highest = value
        if span is not None and span.flags & 1:
            self.exemplars[bucket] = (value, span.end_ns or monotonic_ns(), span.trace_id, span.span_id)
        if not self.dirty:
            self.dirty = True
            self.changed.append(self)
        if self.mirror is not None:
            self.mirror.record(value, self.attributes)

    def take(self) -> tuple[Any, ...]:
        exemplars, self.exemplars = self.exemplars, {}
        counts = self.counts[:]
        return (
            self.number, sum(counts), self.sum, self.lowest, self.highest, counts, tuple(exemplars.values()) or None,
        )  # fmt: skip


Cell = Value | Distribution


class Instrument:
    """One metric's cells, capped."""

    _cell_types: ClassVar[dict[str, type[Value] | type[Distribution]]] = {
        "counter": Value, "updowncounter": Value, "gauge": Value, "histogram": Distribution,
    }  # fmt: skip

    def __init__(
        self, recorder: Recorder, number: int, name: str, kind: semconv.Kind, bounds: tuple[float, ...], cap: int
    ) -> None:
        self.recorder = recorder
        self.number = number
        self.name = name
        self.kind = kind
        self.bounds = bounds
        self.cap = cap
        self.mirror: Any = None
        """The host's instrument, which gets every point too."""
        self._cells: dict[Any, Cell] = {}
        """By attribute set, sorted by key."""
        self._known: dict[Any, Cell] = {}
        """By attribute set in the order in which callers give it: found without sorting."""
        self._overflow: Cell | None = None

    def __iter__(self) -> Iterator[Cell]:
        return iter(list(self._cells.values()) + ([self._overflow] if self._overflow else []))

    def find(self, attributes: Mapping[str, Any] | None) -> Cell:
        """The cell of this attribute set; the overflow's when there are too many."""
        try:
            return self._known[tuple(attributes.items()) if attributes else ()]
        except (KeyError, TypeError):
            return self._find_slowly(attributes or {})

    def _find_slowly(self, attributes: Mapping[str, Any]) -> Cell:
        cleaned = {k: _clean_attribute_value(v, None) for k, v in attributes.items() if k and isinstance(k, str)}
        key = tuple(sorted((k, repr(v)) for k, v in cleaned.items()))
        with self.recorder.lock:
            cell = self._cells.get(key)
            if cell is None:
                if len(self._cells) >= self.cap:
                    return self._into_overflow()
                cell = self._cells[key] = self._make(cleaned)
            if len(self._known) < 2 * self.cap:
                try:
                    self._known[tuple(attributes.items())] = cell
                except TypeError:  # an unhashable value: found the slow way each time
                    pass
            return cell

    def _into_overflow(self) -> Cell:
        if self._overflow is None:
            self._overflow = self._make(dict(_OVERFLOW))
        self.recorder.count_capped(self.name)
        return self._overflow

    def _make(self, attributes: Attributes) -> Cell:
        number = self.recorder.define("cell", self.number, attributes, self.recorder.clock.now())
        cell = self._cell_types[self.kind](number, attributes, self.recorder.changed, self.bounds)
        cell.mirror = self.mirror
        cell.dirty = True
        self.recorder.changed.append(cell)
        return cell

    def reflect(self, mirror: Any) -> None:
        """Give every point from now on to the host's instrument too."""
        self.mirror = mirror
        for cell in self:
            cell.mirror = mirror
