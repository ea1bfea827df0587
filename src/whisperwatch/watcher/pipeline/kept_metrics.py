"""The streams' values on their way into the embedded store: which series changed since the last look.

Like `/metrics`, it makes one series of the cells of several scopes. A cell's value is a new object whenever it changed,
so a look at a cell that did not costs one comparison.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary, proxy

from whisperwatch.watcher.records import Cell, Instrument, Records, Value
from whisperwatch.watcher.store.metrics import Identity, Sample, Taken, slot_of
from whisperwatch.watcher.store.metrics.taken import pairs_of

_INSTANCE: Final = "service.instance.id"
_LEVELS: Final = frozenset({"gauge", "updowncounter"})


class _Followed:
    """One series of a stream: its cells, and what of them was handed over."""

    __slots__ = ("cells", "identity", "seen")

    def __init__(self, identity: Identity, cells: list[Cell]) -> None:
        self.identity, self.cells = identity, cells
        self.seen: tuple[Any, ...] = (None,) * len(cells)

    def changed(self, anew: bool, process: int) -> Sample | None:
        """Its newest value, if that is another one, or wanted anew."""
        values = tuple([cell.value for cell in self.cells])
        if not anew and all(map(_is, values, self.seen)):
            return None
        self.seen = values
        known = [value for value in values if value is not None]
        if not known:
            return None
        return Sample(self.identity, min(cell.start for cell in self.cells), _together(known), process)


class _Stream:
    """One stream's series, laid out anew when something is defined or who it is changes."""

    def __init__(self, stream: Records) -> None:
        self._stream = proxy(stream)  # what is kept by stream must not keep it
        self._defined = -1
        self._series: list[_Followed] = []
        self.instance = ""
        self.start = 0

    def take(self, anew: bool) -> Iterable[Sample]:
        """Of what changed; of gauges, all where `anew`."""
        instance = str(self._stream.resource.get(_INSTANCE, ""))
        if self._defined != self._stream.defined or instance != self.instance:
            self._lay_out(instance)
        for one in self._series:
            if (sample := one.changed(anew and one.identity.kind in _LEVELS, self.start)) is not None:
                yield sample

    def _lay_out(self, instance: str) -> None:
        seen = {cell: value for one in self._series for cell, value in zip(one.cells, one.seen, strict=True)}
        if instance != self.instance:
            seen = {}
        self.instance, self._defined = instance, self._stream.defined
        found: dict[Identity, list[Cell]] = {}
        for instrument in self._stream.instruments:
            for cell in instrument.cells:
                found.setdefault(_identity(instrument, cell, instance), []).append(cell)
        self._series = [_Followed(identity, cells) for identity, cells in found.items()]
        for one in self._series:
            one.seen = tuple([seen.get(cell) for cell in one.cells])
        if not self.start:  # an older cell that comes later makes no other process
            self.start = min((cell.start for cells in found.values() for cell in cells), default=0)


class KeptMetrics:
    """What changed in `streams` since the last call, for `store.metrics`.

    Args:
        streams: those that live.
        now: unix seconds.
    """

    def __init__(
        self, streams: Callable[[], Sequence[Records]], now: Callable[[], float] = time.time
    ) -> None:
        self._streams, self._now = streams, now
        self._followed: WeakKeyDictionary[Records, _Stream] = WeakKeyDictionary()
        self._ended: list[Sample] = []
        self._slot = 0

    def __call__(self) -> Taken | None:
        """See the class."""
        now = self._now()
        slot = slot_of(now)
        anew, self._slot = slot != self._slot, slot
        samples, self._ended = self._ended, []
        alive = set()
        for stream in self._streams():
            followed = self._follow(stream)
            samples.extend(followed.take(anew))
            if followed.start:
                alive.add((followed.instance, followed.start))
        if not samples and not (anew and alive):
            return None
        return Taken(now, tuple(samples), frozenset(alive))

    def end(self, stream: Records) -> None:
        """It will not be among the streams any more: what it has is kept for the next call."""
        self._ended.extend(self._follow(stream).take(anew=False))

    def _follow(self, stream: Records) -> _Stream:
        found = self._followed.get(stream)
        if found is None:
            found = self._followed[stream] = _Stream(stream)
        return found


def _is(one: Any, other: Any) -> bool:
    return one is other


def _identity(instrument: Instrument, cell: Cell, instance: str) -> Identity:
    return Identity(
        instrument.name,
        instrument.kind,  # type: ignore[arg-type]
        instrument.unit,
        instrument.bounds,
        instance,
        pairs_of(cell.attributes),
    )


def _together(values: list[Value]) -> Value:
    first, *others = values
    for other in others:
        if len(first) == 1:
            first = (first[0] + other[0],)
        else:
            buckets = tuple(a + b for a, b in zip(first[4], other[4], strict=True))
            first = (first[0] + other[0], first[1] + other[1], None, None, buckets)
    return first
