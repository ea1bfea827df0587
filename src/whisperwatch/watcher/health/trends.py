"""What the bot's figures did in the last minutes: a small ring of samples of the cells that health looks at."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.records import Cell, Instrument, Records, Value

SAMPLE_S: Final = 15.0
WINDOW_S: Final = 300.0
_SAMPLES: Final = int(WINDOW_S / SAMPLE_S) + 1
_MOST_CELLS: Final = 2000
"""In a sample; of more the first ones."""
Samples = Sequence[tuple[float, Mapping[Cell, Value]]]


@dataclass(frozen=True, slots=True)
class Recent:
    """What one cell did in a time: `count` is how much a counter grew, or how often a histogram was recorded to."""

    attributes: Mapping[str, Any]
    count: float
    total: float = 0.0
    buckets: tuple[int, ...] = ()
    bounds: tuple[float, ...] = ()


class Trends:
    """Samples the metrics named `wanted` of `streams`. Times are unix seconds."""

    def __init__(self, streams: Callable[[], Iterable[Records]], wanted: Iterable[str]) -> None:
        self._streams = streams
        self._wanted = frozenset(wanted)
        self._samples: deque[tuple[float, dict[Cell, Value]]] = deque(maxlen=_SAMPLES)
        self._indexed: list[tuple[int, int]] = []
        self._index: dict[str, list[Instrument]] = {}

    def sample(self, now: float) -> None:
        """Take a sample if one is due."""
        if self._samples and 0 <= now - self._samples[-1][0] < SAMPLE_S:
            return
        taken: dict[Cell, Value] = {}
        for stream in self._streams():
            for instrument in stream.instruments:
                if instrument.name in self._wanted and len(taken) < _MOST_CELLS:
                    taken.update((cell, cell.value) for cell in instrument.cells if cell.value is not None)
        self._samples.append((now, taken))

    def recent(self, metric: str, now: float, seconds: float = WINDOW_S) -> list[Recent]:
        """What each cell of a counter or histogram did in the last `seconds`; those that did nothing are left out."""
        begin = now - seconds
        samples = self._since(begin)
        grown = (
            _grown(cell, instrument.bounds, samples, begin)
            for instrument in self._named(metric)
            for cell in instrument.cells
        )
        return [one for one in grown if one is not None and one.count > 0]

    def seen(self, metric: str) -> list[Mapping[str, Any]]:
        """The attributes of all that was ever recorded to it; a histogram that has measured nothing was not."""
        return [
            cell.attributes
            for instrument in self._named(metric)
            for cell in instrument.cells
            if cell.value is not None and (instrument.kind != "histogram" or cell.value[0])
        ]

    def latest(self, metric: str) -> list[tuple[Mapping[str, Any], float]]:
        """The newest values of a gauge or a sum, with their attributes."""
        cells = (cell for instrument in self._named(metric) for cell in instrument.cells)
        return [(cell.attributes, cell.value[0]) for cell in cells if cell.value is not None]

    def average(self, metric: str) -> tuple[float, float] | None:
        """The mean of a gauge over the samples, and the seconds between the first of them and the last."""
        cells = {cell for instrument in self._named(metric) for cell in instrument.cells}
        found = [
            (at, value[0]) for at, taken in self._samples for cell, value in taken.items() if cell in cells
        ]
        if not found:
            return None
        return sum(value for _, value in found) / len(found), found[-1][0] - found[0][0]

    def _since(self, begin: float) -> list[tuple[float, dict[Cell, Value]]]:
        """The newest sample that is not younger than `begin`, and those after it; all where there is none so old."""
        samples = list(self._samples)
        older = sum(at <= begin for at, _ in samples)
        return samples[max(0, older - 1) :]

    def _named(self, metric: str) -> Sequence[Instrument]:
        streams = list(self._streams())
        state = [(id(stream), stream.defined) for stream in streams]
        if state != self._indexed:
            self._indexed, self._index = state, {}
            for stream in streams:
                for instrument in stream.instruments:
                    self._index.setdefault(instrument.name, []).append(instrument)
        return self._index.get(metric, ())


def _grown(cell: Cell, bounds: tuple[float, ...], samples: Samples, begin: float) -> Recent | None:
    if cell.value is None:
        return None
    before = None if cell.start / 1e9 >= begin else _before(cell, samples)
    if len(cell.value) == 1:
        return Recent(cell.attributes, cell.value[0] - (before[0] if before else 0))
    count, total, _, _, buckets = cell.value
    if before is None:
        return Recent(cell.attributes, count, total, buckets, bounds)
    grown = tuple(a - b for a, b in zip(buckets, before[4], strict=True))
    return Recent(cell.attributes, count - before[0], total - before[1], grown, bounds)


def _before(cell: Cell, samples: Samples) -> Value | None:
    """The value at the first of the samples; None, for nothing, of a cell that began after it."""
    for at, taken in samples:
        if (value := taken.get(cell)) is not None:
            return value
        if cell.start / 1e9 >= at:
            return None
    return cell.value  # it is older than we are: how it grew can't be said yet


def quantile(recents: Iterable[Recent], q: float) -> float | None:
    """The q-quantile of histograms of the same bounds together, within a bucket by a straight line."""
    total: list[int] = []
    bounds: tuple[float, ...] = ()
    for one in recents:
        if one.buckets and (not bounds or one.bounds == bounds):
            bounds = one.bounds
            total = [a + b for a, b in zip(total or [0] * len(one.buckets), one.buckets, strict=True)]
    count = sum(total)
    if not count or not bounds:
        return None
    running = [sum(total[: n + 1]) for n in range(len(total))]
    n = bisect_left(running, q * count)
    if n >= len(bounds):
        return bounds[-1]
    low = bounds[n - 1] if n else 0.0
    inside = (q * count - (running[n] - total[n])) / (total[n] or 1)
    return low + (bounds[n] - low) * inside
