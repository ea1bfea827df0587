"""Cells: one object for the numbers of one attribute set, found once and updated in a fraction of a microsecond.

A cell is never reset. An update adds to it and, the first time since it was last taken, puts it on the recorder's
queue of changed cells. CPython switches threads only at calls and at backward jumps, so an update, which has neither
between reading and writing a number, loses nothing to another thread; `tests/bot/recording` hold it to that.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry.attributes import _clean_attribute_value

from whisperwatch import semconv

if TYPE_CHECKING:
    from whisperwatch.bot.recording.recorder import Recorder
    from whisperwatch.bot.recording.spans import Span

logger = logging.getLogger(__name__)

Number = int | float
Attributes = dict[str, Any]
Exemplar = tuple[Number, int, int, int]
"""Value, monotonic ns, trace id, span id."""

DEFAULT_CAP = 2000
"""Attribute sets of one instrument, the overflow's not counted: the default of the OpenTelemetry specification."""
_OVERFLOW: Attributes = {semconv.OVERFLOW: True}
_INFINITE = float("inf")
_STANDING = frozenset({"gauge", "updowncounter"})
"""Kinds of instruments whose value says how it is now, not what has been added up since a start."""
_TEXT = frozenset({str})
_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


class Value:
    """A sum or a gauge."""

    __slots__ = ("attributes", "changed", "dirty", "mirror", "number", "value")

    def __init__(
        self, number: int, attributes: Attributes, changed: list[Any], bounds: tuple[float, ...]
    ) -> None:
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
        before, self.value = self.value, value
        if not self.dirty:
            self.dirty = True
            self.changed.append(self)
        if self.mirror is not None:
            _tell(self.mirror, before, value, self.attributes)

    def take(self) -> tuple[Any, ...]:
        return (self.number, self.value)

    def zero(self) -> None:
        self.value = 0


class Distribution:
    """A histogram with explicit bounds, and the newest exemplar of each bucket."""

    __slots__ = (
        "above", "attributes", "bounds", "bucket", "changed", "counts", "dirty", "exemplars", "highest", "lowest",
        "mirror", "number", "sum", "taken", "up_to",
    )  # fmt: skip
    with_exemplars: ClassVar[bool] = True
    """False where `OTEL_METRICS_EXEMPLAR_FILTER` is `always_off`."""
    keeps_taken: ClassVar[bool] = False
    """An SDK reader wants the exemplars too that the tape has taken."""

    def __init__(
        self, number: int, attributes: Attributes, changed: list[Any], bounds: tuple[float, ...]
    ) -> None:
        self.number = number
        self.attributes = attributes
        self.changed = changed
        self.bounds = bounds
        self.dirty = False
        self.mirror: Any = None
        self.bucket = 0
        """The last value's, which takes values above `above` and up to `up_to`: the next one is often of the same."""
        self.above = self.up_to = _INFINITE
        self.zero()

    def zero(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum: Number = 0
        self.lowest = _INFINITE
        self.highest = -_INFINITE
        self.exemplars: dict[int, Exemplar] = {}
        self.taken: dict[int, Exemplar] = {}

    def record(self, value: Number, span: Span | None = None) -> None:
        """Count `value`. `span`, where it is given and sampled, becomes the bucket's exemplar."""
        bucket = self.bucket if self.above < value <= self.up_to else self._look_up(value)
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

    def _look_up(self, value: Number) -> int:
        bounds = self.bounds
        bucket = bisect_left(bounds, value)
        above = bounds[bucket - 1] if bucket else -_INFINITE
        up_to = bounds[bucket] if bucket < len(bounds) else _INFINITE
        # no call in between: no other thread sees a half
        self.bucket, self.above, self.up_to = bucket, above, up_to
        return bucket

    def exemplify(self, value: Number, trace_id: int, span_id: int) -> None:
        """Make a sampled span that is none of ours the exemplar of the bucket of `value`, which was recorded in it."""
        self.exemplars[bisect_left(self.bounds, value)] = (value, monotonic_ns(), trace_id, span_id)

    def take(self) -> tuple[Any, ...]:
        exemplars, self.exemplars = self.exemplars, {}
        counts, total, lowest, highest = self.counts[:], self.sum, self.lowest, self.highest
        if not self.with_exemplars:
            exemplars = {}
        elif self.keeps_taken and exemplars:
            self.taken = {**self.taken, **exemplars}
        return (self.number, sum(counts), total, lowest, highest, counts, tuple(exemplars.values()) or None)


Cell = Value | Distribution


class Instrument:
    """One metric's cells, capped. `sort` is the SDK's class of instrument, by which readers state what they prefer."""

    _cell_types: ClassVar[dict[str, type[Value] | type[Distribution]]] = {
        "counter": Value, "updowncounter": Value, "gauge": Value, "histogram": Distribution,
    }  # fmt: skip

    def __init__(
        self,
        recorder: Recorder,
        number: int,
        scope: int,
        name: str,
        kind: semconv.Kind,
        unit: str,
        description: str,
        bounds: tuple[float, ...],
        cap: int,
        sort: str,
    ) -> None:
        self.recorder = recorder
        self.number = number
        self.scope = scope
        self.name = name
        self.kind = kind
        self.unit = unit
        self.description = description
        self.bounds = bounds
        self.cap = cap
        self.sort = sort
        self.observed: set[Cell] | None = None
        """Of an observable one: the cells that its callbacks spoke of the last time."""
        self.mirror: Any = None
        """The host's instrument, which gets every point too."""
        self._cells: dict[Any, Cell] = {}
        """By what the attribute set is, in any order."""
        self._known: dict[Any, Cell] = {}
        """By attribute set as callers give it, where all values are strings: found at once."""
        self._typed: dict[Any, Cell] = {}
        """The same with other values, and their types: True, 1 and 1.0 are one key of a dict, and three attributes."""
        self._overflow: Cell | None = None

    def __iter__(self) -> Iterator[Cell]:
        return iter(list(self._cells.values()) + ([self._overflow] if self._overflow else []))

    def find(self, attributes: Mapping[str, Any] | None) -> Cell:
        """The cell of this attribute set; the overflow's when there are too many."""
        try:
            key = tuple(attributes.items()) if attributes else ()
            found = self._known.get(key)
            if found is None and attributes:
                found = self._typed.get((key, *map(type, attributes.values())))
        except (AttributeError, TypeError):  # no mapping, or an unhashable value
            found = None
        return self._find_slowly(attributes) if found is None else found

    def _find_slowly(self, attributes: Any) -> Cell:
        if attributes is not None and not isinstance(attributes, Mapping):
            logger.warning("Invalid type '%s' for attributes. Expected a Mapping or None.", type(attributes))
            attributes = None
        cleaned = dict(_clean_attribute_value(attributes, None)) if attributes else {}
        identity = _identity(cleaned)
        with self.recorder.lock:
            cell = self._cells.get(identity)
            if cell is None:
                if len(self._cells) >= self.cap:
                    return self._into_overflow()
                cell = self._cells[identity] = self._make(cleaned)
            if len(self._known) + len(self._typed) < 2 * self.cap:
                self._remember(attributes or {}, cell)
            return cell

    def _remember(self, attributes: Mapping[str, Any], cell: Cell) -> None:
        key = tuple(attributes.items())
        types = tuple(map(type, attributes.values()))
        if _TEXT.issuperset(types):
            self._known[key] = cell
        elif _SCALARS.issuperset(types):
            self._typed[key, *types] = cell

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
        """Give every point from now on to the host's instrument too, which begins with what isn't counted from zero."""
        self.mirror = mirror
        for cell in self:
            cell.mirror = mirror
            if isinstance(cell, Value) and self.kind in _STANDING:
                _tell(mirror, 0, cell.value, cell.attributes)


def _identity(value: Any) -> Any:
    """A key that tells cleaned attribute values apart as OpenTelemetry does: by type, without the order of keys."""
    if isinstance(value, tuple):
        return ("sequence", *map(_identity, value))
    if isinstance(value, dict):
        return ("mapping", *sorted((key, _identity(inner)) for key, inner in value.items()))
    return (type(value).__name__, value)


def _tell(mirror: Any, before: Number, value: Number, attributes: Attributes) -> None:
    """Give the host's instrument a value so far: a gauge as it is, a sum what is new in it."""
    if hasattr(mirror, "set"):
        mirror.set(value, attributes)
    elif value != before:
        mirror.add(value - before, attributes)
