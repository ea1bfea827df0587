"""What is read off a panel, whoever draws it: its scale, the pieces of its lines, and what is written beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from operator import itemgetter
from typing import Final

from whisperwatch.watcher.answers.charts import looks
from whisperwatch.watcher.answers.charts.chart import Line, Panel, Point
from whisperwatch.watcher.answers.charts.scales import Tick, shown, values
from whisperwatch.watcher.answers.charts.texts import Label, clean

_LONGEST_NAME: Final = 14
_BELOW: Final = 0.03
_ABOVE: Final = 0.2
"""What an axis has beyond its values, relative to them: room for half a line's width, and for a peak's number."""
_PEAK: Final = 1.2


@dataclass(frozen=True, slots=True)
class Scale:
    """From where to where an axis goes, and its ticks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]


def scale(panel: Panel, most_steps: int) -> Scale:
    """That holds all values, their bands and the limit; 0 is on it, so that a height is an amount.

    It has no ticks where nothing is known.
    """
    known = [0.0, *_values(panel), *(() if panel.limit is None else (panel.limit,))]
    ticks = values(min(known), max(known), panel.unit, most_steps)
    low, high = min(*known, ticks[0].at), max(*known, ticks[-1].at)
    return Scale(low - (high - low) * _BELOW, high + (high - low) * _ABOVE, ticks if known[1:] else ())


def ends(panel: Panel) -> list[Label]:
    """Of each line its name, where it has company, and its newest value; the limit's."""
    found = []
    for line, colour in zip(panel.lines, looks.LINES, strict=False):
        if known := _known(line.points):
            at, value = known[-1]
            name = f"{clean(line.name, _LONGEST_NAME)} " if len(panel.lines) > 1 else ""
            about = "≈ " if line.band and line.band[-1] is not None else ""
            found.append(Label(f"{name}{about}{shown(value, panel.unit)}", at, value, colour))
    if panel.limit is not None:
        found.append(Label(f"limit {shown(panel.limit, panel.unit)}", inf, panel.limit, looks.LIMIT))
    return found


def highlight(panel: Panel) -> Label | None:
    """Of a forecast the newest value that was measured; else the highest of all, unless its line's newest is much like
    it."""
    found: list[Label] = []
    top = max((value for line in panel.lines for _, value in _known(line.points)), default=0.0)
    for line, colour in zip(panel.lines, looks.LINES, strict=False):
        known = _known(measured(line))
        if any(line.band) and known:
            at, value = known[-1]
            return Label(f"now {shown(value, panel.unit)}", at, value, colour)
        highest = max(known, key=itemgetter(1), default=None)
        if highest is not None and top == highest[1] > known[-1][1] * _PEAK:
            found.append(Label(shown(highest[1], panel.unit), *highest, colour))
    return max(found, key=lambda label: label.value, default=None)


def _values(panel: Panel) -> Iterator[float]:
    for line in panel.lines:
        yield from (value for _, value in line.points if value is not None)
        for pair in line.band:
            yield from pair or ()


def _known(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(at, value) for at, value in points if value is not None]


def measured(line: Line) -> list[Point]:
    """Of a line with a forecast what is no forecast; else all."""
    if not line.band:
        return list(line.points)
    return [point for point, pair in zip(line.points, line.band, strict=True) if pair is None]


def pieces(line: Line) -> Iterator[tuple[Sequence[Point], bool]]:
    """What was measured and what is expected, in turn; each begins where the one before it ended."""
    expected = [pair is not None for pair in line.band] or [False] * len(line.points)
    before: list[Point] = []
    for ahead, pairs in groupby(zip(line.points, expected, strict=True), key=lambda pair: pair[1]):
        points = [point for point, _ in pairs]
        yield [*before, *points], ahead
        before = points[-1:]


def lonely(points: Sequence[Point]) -> list[Point]:
    """Those that no line would show, for they have no neighbours; and the last, which the label tells of."""
    known = [value is not None for _, value in points]
    alone = [
        here and not any(known[max(0, index - 1) : index]) and not any(known[index + 1 : index + 2])
        for index, here in enumerate(known)
    ]
    newest = max((index for index, here in enumerate(known) if here), default=-1)
    return [point for index, point in enumerate(points) if alone[index] or index == newest]
