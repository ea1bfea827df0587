"""One panel as matplotlib draws it: its lines, forecasts with their bands, its limit."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Final

from matplotlib.axes import Axes

from whisperwatch.watcher.answers.charts import looks
from whisperwatch.watcher.answers.charts.chart import Line, Panel, Point
from whisperwatch.watcher.answers.charts.readings import lonely, measured, pieces

_DOT: Final = 3.0


def draw_lines(axes: Axes, panel: Panel) -> None:
    """The lines; gaps stay gaps."""
    if panel.limit is not None:
        axes.axhline(panel.limit, color=looks.LIMIT, linewidth=1.1, linestyle=(0, (1, 1.5)))
    for line, colour in reversed(list(zip(panel.lines, looks.LINES, strict=False))):
        if line.band:
            _draw_band(axes, line, colour)
        for points, expected in pieces(line):
            style = (0, (3, 1.6)) if expected else "solid"
            axes.plot(*_columns(points), color=colour, linewidth=1.5, linestyle=style, solid_capstyle="round")
        dots = [*lonely(line.points), *(measured(line)[-1:] if any(line.band) else ())]
        axes.plot(*_columns(dots), color=colour, linestyle="none", marker="o", markersize=_DOT, clip_on=False)


def _draw_band(axes: Axes, line: Line, colour: str) -> None:
    """From the last measured point on, where it has no width yet."""
    edges = []
    for (at, value), pair, following in zip(line.points, line.band, (*line.band[1:], None), strict=True):
        begins = following is not None and value is not None
        edges.append((at, *(pair or ((value, value) if begins else (nan, nan)))))
    times, lows, highs = zip(*edges, strict=True)
    axes.fill_between(times, lows, highs, color=colour, alpha=0.25, linewidth=0)


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [nan if value is None else value for _, value in points]
