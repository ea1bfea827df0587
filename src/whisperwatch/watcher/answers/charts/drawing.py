"""A chart as a picture, by matplotlib. Only the worker imports this, for it takes half a second and 60 MB.

`Figure` and its canvas for Agg, never pyplot, which keeps every figure that it made. Lengths are inches, and where
things stand is reckoned from the sizes of their texts: matplotlib's layout engines draw everything twice for that.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL.Image import Dither, Image, Quantize, frombuffer

from whisperwatch.watcher.answers.charts import looks, scales
from whisperwatch.watcher.answers.charts.chart import Chart, Mark, Panel
from whisperwatch.watcher.answers.charts.panels import draw_lines
from whisperwatch.watcher.answers.charts.readings import Scale, ends, highlight, scale
from whisperwatch.watcher.answers.charts.texts import Label, clean, spread

_LONGEST_TITLE: Final = 44
_LONGEST_MARK: Final = 14
_STEPS: Final = (4, 3, 3, 2)
"""How many ticks are read easily at the height of one panel, of two, …"""
_LINE: Final = looks.SIZE / 72 * 1.15
_NOTHING: Final = "Nothing was recorded in this time."


def draw(chart: Chart) -> bytes:
    """The chart as a PNG."""
    with rc_context(looks.SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a character that no font has is drawn as a box
        return _png(_Drawing(chart).pixels())


def _png(pixels: Image) -> bytes:
    """With 256 colours, which nobody sees: that is quicker, and a third of the size."""
    content = io.BytesIO()
    few = pixels.convert("RGB").quantize(256, Quantize.FASTOCTREE, dither=Dither.NONE)
    few.save(content, format="png")
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a panel's axes are, and what they measure."""

    left: float
    right: float
    bottom: float
    top: float
    values: Scale

    def up(self, value: float) -> float:
        """How high a value is."""
        share = (value - self.values.low) / (self.values.high - self.values.low)
        return self.bottom + share * (self.top - self.bottom)


class _Drawing:
    """The figure of one chart."""

    def __init__(self, chart: Chart) -> None:
        self._chart, self._height = chart, looks.HEIGHTS[len(chart.panels) - 1]
        self._figure = Figure((looks.WIDTH, self._height), looks.DPI, facecolor=looks.GROUND)
        self._canvas: Any = FigureCanvasAgg(self._figure)  # some of its types are known to some releases only
        self._scales = [scale(panel, _STEPS[len(chart.panels) - 1]) for panel in chart.panels]
        self._labels = [ends(panel) for panel in chart.panels]
        ticks = self._widest(tick.text for one in self._scales for tick in one.ticks)
        texts = self._widest(label.text for ends in self._labels for label in ends)
        self._left = looks.EDGE + ticks + looks.GAP
        self._right = looks.WIDTH - looks.EDGE - texts - looks.GAP
        self._fill(self._head())

    def pixels(self) -> Image:
        """As it is drawn."""
        self._canvas.draw()
        return frombuffer("RGBA", self._canvas.get_width_height(), self._canvas.buffer_rgba())

    def _head(self) -> float:
        """Title and period; how high what is below may reach."""
        chart, top = self._chart, self._height - looks.EDGE
        self._write(looks.EDGE, top, clean(chart.title, _LONGEST_TITLE), size=looks.TITLE_SIZE, weight="bold")
        top -= looks.TITLE
        self._write(looks.EDGE, top, scales.spell(chart.start, chart.end), color=looks.QUIET)
        return top - looks.PERIOD

    def _fill(self, top: float) -> None:
        """Marks' names and panels, down to the times."""
        panels, marks_at = self._chart.panels, top
        top -= looks.MARKS if self._chart.marks else 0
        each = (top - looks.EDGE - looks.TIMES - looks.BETWEEN * (len(panels) - 1)) / len(panels)
        for panel, values, labels in zip(panels, self._scales, self._labels, strict=True):
            self._title(panel, top)
            place = _Place(self._left, self._right, top - each, top - looks.HEADING, values)
            self._panel(panel, place, labels)
            top -= each + looks.BETWEEN
        self._times(looks.EDGE + looks.TIMES - looks.GAP)
        self._name_marks(marks_at)

    def _title(self, panel: Panel, top: float) -> None:
        title, unit = clean(panel.title, _LONGEST_TITLE), scales.unit_words(panel.unit)
        self._write(looks.EDGE, top, title, size=looks.HEADING_SIZE)
        beside = looks.EDGE + self._width(title, looks.HEADING_SIZE) + looks.GAP
        self._write(beside, top, unit, size=looks.HEADING_SIZE, color=looks.QUIET)

    def _panel(self, panel: Panel, place: _Place, labels: Sequence[Label]) -> None:
        axes = self._axes(place)
        draw_lines(axes, panel)
        for mark in self._marks():
            axes.axvline(mark.at, color=looks.TEXT, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        if (highest := highlight(panel)) is not None:
            ahead = any(any(line.band) for line in panel.lines)
            self._highlight(highest, place, ahead=ahead, limit=panel.limit)
        places = spread([place.up(label.value) for label in labels], _LINE, place.bottom, place.top)
        for label, at in zip(labels, places, strict=True):
            self._write(self._right + looks.GAP, at, label.text, color=label.colour, va="center")
        if not labels:
            middle = (place.bottom + place.top) / 2
            self._write(self._left + looks.GAP, middle, _NOTHING, color=looks.QUIET, va="center")

    def _highlight(self, label: Label, place: _Place, *, ahead: bool, limit: float | None) -> None:
        """Above its point, before it where a forecast comes after; below that where the limit is above."""
        wide, up = self._width(label.text), place.up(label.value)
        begin, at, beside = self._across(label.at) - (wide if ahead else wide / 2), up + looks.GAP, "bottom"
        if limit is not None and up < place.up(limit) < up + looks.GAP + 1.5 * _LINE:
            begin, at, beside = self._across(label.at), up - looks.GAP, "top"
        begin = min(max(begin, self._left), self._right - wide)
        ground = {"facecolor": looks.GROUND, "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
        self._write(begin, at, label.text, color=label.colour, va=beside, bbox=ground)

    def _axes(self, place: _Place) -> Axes:
        """Axes without a frame: a line for each tick of the values, whose text is at the left."""
        width, height = place.right - place.left, place.top - place.bottom
        inches = (place.left, place.bottom, width, height)
        whole = (looks.WIDTH, self._height, looks.WIDTH, self._height)
        left, bottom, wide, high = (part / of for part, of in zip(inches, whole, strict=True))
        axes = self._figure.add_axes((left, bottom, wide, high), facecolor="none")
        axes.set_axis_off()
        axes.set_xlim(self._chart.start, self._chart.end)
        axes.set_ylim(place.values.low, place.values.high)
        for tick in place.values.ticks:
            axes.axhline(tick.at, color=looks.GRID, linewidth=0.7, zorder=0)
            at = place.up(tick.at)
            self._write(self._left - looks.GAP, at, tick.text, color=looks.QUIET, ha="right", va="center")
        return axes

    def _times(self, top: float) -> None:
        chart = self._chart
        for tick in scales.times(chart.start, chart.end):
            half = self._width(tick.text) / 2
            at = min(max(self._across(tick.at), looks.EDGE + half), looks.WIDTH - looks.EDGE - half)
            self._write(at, top, tick.text, color=looks.QUIET, ha="center")

    def _name_marks(self, top: float) -> None:
        """The newest first; one that would be written over another's name has its line only."""
        free = looks.WIDTH - looks.EDGE
        named = [mark for mark in self._marks() if mark.name]
        for mark in sorted(named, key=lambda mark: mark.at, reverse=True):
            text = f"▾ {clean(mark.name, _LONGEST_MARK)}"
            wide = self._width(text)
            begin = min(self._across(mark.at) - self._width("▾") / 2, free - wide)
            if begin + self._width("▾") >= self._across(mark.at):
                self._write(begin, top, text)
                free = begin - looks.GAP

    def _marks(self) -> list[Mark]:
        return [mark for mark in self._chart.marks if self._chart.start <= mark.at <= self._chart.end]

    def _across(self, at: float) -> float:
        share = (at - self._chart.start) / (self._chart.end - self._chart.start)
        return self._left + share * (self._right - self._left)

    def _write(self, x: float, y: float, text: str, **how: Any) -> None:
        """A text whose top left corner is there, unless it is said otherwise."""
        look = {"color": looks.TEXT, "size": looks.SIZE, "ha": "left", "va": "top", **how}
        self._figure.text(x / looks.WIDTH, y / self._height, text, **look)

    def _widest(self, texts: Iterable[str]) -> float:
        return max(map(self._width, texts), default=0.0)

    def _width(self, text: str, size: float = looks.SIZE) -> float:
        font = FontProperties(family=looks.SETTINGS["font.family"], size=size)
        wide, _, _ = self._canvas.get_renderer().get_text_width_height_descent(text, font, ismath=False)
        return float(wide) / looks.DPI
