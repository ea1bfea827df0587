"""One panel: its scale, its lines, forecasts with their bands, its limit, and what is written at the lines' ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, nan
from operator import itemgetter
from typing import Final

from matplotlib.axes import Axes

from whisperwatch.watcher.answers.charts import looks
from whisperwatch.watcher.answers.charts.chart import Line, Panel, Point
from whisperwatch.watcher.answers.charts.scales import Tick, shown, values
from whisperwatch.watcher.answers.charts.texts import Label, clean

_LONGEST_NAME: Final = 14
_BELOW: Final = 0.03
_ABOVE: Final = 0.2
"""What an axis has beyond its values, relative to them: room for half a line's width, and for a peak's number."""
_PEAK: Final = 1.2
_DOT: Final = 3.0


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
    """Of a forecast the newest value that was measured; else the highest, unless the newest is much like it."""
    found: list[Label] = []
    for line, colour in zip(panel.lines, looks.LINES, strict=False):
        measured = _known(_measured(line))
        if any(line.band) and measured:
            at, value = measured[-1]
            return Label(f"now {shown(value, panel.unit)}", at, value, colour)
        highest = max(measured, key=itemgetter(1), default=None)
        if highest is not None and highest[1] > measured[-1][1] * _PEAK:
            found.append(Label(shown(highest[1], panel.unit), *highest, colour))
    return max(found, key=lambda label: label.value, default=None)


def draw_lines(axes: Axes, panel: Panel) -> None:
    """The lines; gaps stay gaps."""
    if panel.limit is not None:
        axes.axhline(panel.limit, color=looks.LIMIT, linewidth=1.1, linestyle=(0, (1, 1.5)))
    for line, colour in reversed(list(zip(panel.lines, looks.LINES, strict=False))):
        if line.band:
            _draw_band(axes, line, colour)
        for points, expected in _pieces(line):
            style = (0, (3, 1.6)) if expected else "solid"
            axes.plot(*_columns(points), color=colour, linewidth=1.5, linestyle=style, solid_capstyle="round")
        dots = [*_lonely(line.points), *(_measured(line)[-1:] if any(line.band) else ())]
        axes.plot(*_columns(dots), color=colour, linestyle="none", marker="o", markersize=_DOT, clip_on=False)


def _values(panel: Panel) -> Iterator[float]:
    for line in panel.lines:
        yield from (value for _, value in line.points if value is not None)
        for pair in line.band:
            yield from pair or ()


def _known(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(at, value) for at, value in points if value is not None]


def _measured(line: Line) -> list[Point]:
    if not line.band:
        return list(line.points)
    return [point for point, pair in zip(line.points, line.band, strict=True) if pair is None]


def _pieces(line: Line) -> Iterator[tuple[Sequence[Point], bool]]:
    """What was measured and what is expected, in turn; each begins where the one before it ended."""
    expected = [pair is not None for pair in line.band] or [False] * len(line.points)
    before: list[Point] = []
    for ahead, pairs in groupby(zip(line.points, expected, strict=True), key=lambda pair: pair[1]):
        points = [point for point, _ in pairs]
        yield [*before, *points], ahead
        before = points[-1:]


def _draw_band(axes: Axes, line: Line, colour: str) -> None:
    """From the last measured point on, where it has no width yet."""
    edges = []
    for (at, value), pair, following in zip(line.points, line.band, (*line.band[1:], None), strict=True):
        begins = following is not None and value is not None
        edges.append((at, *(pair or ((value, value) if begins else (nan, nan)))))
    times, lows, highs = zip(*edges, strict=True)
    axes.fill_between(times, lows, highs, color=colour, alpha=0.25, linewidth=0)


def _lonely(points: Sequence[Point]) -> list[Point]:
    """Those that no line would show, for they have no neighbours; and the last, which the label tells of."""
    known = [value is not None for _, value in points]
    alone = [
        here and not any(known[max(0, index - 1) : index]) and not any(known[index + 1 : index + 2])
        for index, here in enumerate(known)
    ]
    newest = max((index for index, here in enumerate(known) if here), default=-1)
    return [point for index, point in enumerate(points) if alone[index] or index == newest]


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [nan if value is None else value for _, value in points]
