"""A chart in a terminal: what Discord shows as a picture, made of the same data, drawn with letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from typing import Final

from whisperwatch.terminal.canvas import ACROSS, DOWN, Canvas
from whisperwatch.terminal.paint import Paint, cut, padded, width
from whisperwatch.watcher.answers.charts import looks, scales
from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel
from whisperwatch.watcher.answers.charts.readings import Scale, ends, highlight, lonely, pieces, scale
from whisperwatch.watcher.answers.charts.texts import Label, clean, spread

_ROWS: Final = (12, 9, 7, 6)
"""Of one panel, of each of two, …"""
_TICKS: Final = (4, 3, 3, 2)
_LEAST: Final = 24
"""Columns that lines need: what is written at their ends is cut where they would have fewer."""
_MOST: Final = 160
_STYLES: Final = dict(
    zip((*looks.LINES, looks.LIMIT), ("cyan", "yellow", "green", "magenta", "", "", "red"), strict=True)
)
_LONGEST_MARK: Final = 14
_LONGEST_TITLE: Final = 60
_NOTHING: Final = "Nothing was recorded in this time."


def plots(chart: Chart, paint: Paint, columns: int) -> Iterator[str]:
    """The chart as lines of at most so many columns, from 40 on."""
    several = len(chart.panels) - 1
    panels = [(panel, scale(panel, _TICKS[several]), ends(panel)) for panel in chart.panels]
    left = max((width(tick.text) for _, its, _ in panels for tick in its.ticks), default=0)
    labels = max((width(label.text) for _, _, its in panels for label in its), default=0)
    room = min(columns, _MOST) - left - len(" ┤ ")
    right = min(labels, max(0, room - _LEAST))
    frame = _Frame(chart, left, room - right, right, _ROWS[several])
    yield paint(scales.spell(chart.start, chart.end), "dim")
    if frame.marks:
        yield frame.names()
    for panel, its, at_ends in panels:
        yield from _heading(panel, paint)
        yield from frame.rows_of(_drawn(panel, its, frame), its, at_ends, paint)
    yield frame.times()


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all panels have in common: letters left of the axis, from it on, and at the lines' ends; and their rows."""

    chart: Chart
    left: int
    columns: int
    right: int
    rows: int

    @property
    def marks(self) -> list[Mark]:
        """Those that are seen, the newest first."""
        seen = [mark for mark in self.chart.marks if self.chart.start <= mark.at <= self.chart.end]
        return sorted(seen, key=lambda mark: mark.at, reverse=True)

    def x(self, at: float) -> int:
        """The dot of a time."""
        share = (at - self.chart.start) / (self.chart.end - self.chart.start)
        return round(share * (self.columns * ACROSS - 1))

    def y(self, value: float, its: Scale) -> int:
        """The dot of a value, from the top."""
        return round((its.high - value) / (its.high - its.low) * (self.rows * DOWN - 1))

    def names(self) -> str:
        """The marks' names; one that would be written over another's has its line only."""
        named = [mark for mark in self.marks if mark.name]
        return self._beneath(
            (self.x(mark.at) // ACROSS, f"▾ {clean(mark.name, _LONGEST_MARK)}") for mark in named
        )

    def times(self) -> str:
        """The times below the last panel."""
        ticks = scales.times(self.chart.start, self.chart.end)
        return self._beneath(
            (self.x(tick.at) // ACROSS - len(tick.text) // 2, tick.text) for tick in reversed(ticks)
        )

    def rows_of(self, canvas: Canvas, its: Scale, at_ends: Iterable[Label], paint: Paint) -> Iterator[str]:
        """A panel's rows with its axes, and what is written beside them."""
        ticks = {self.y(tick.at, its) // DOWN: tick.text for tick in its.ticks}
        beside = self._beside(list(at_ends), its)
        for row, drawn in enumerate(canvas.lines(paint)):
            axis = f"{padded(ticks.get(row, ''), self.left, right=True)} {'┤' if row in ticks else '│'}"
            label = beside.get(row)
            if label is None:
                yield f"{axis}{drawn}".rstrip()
            else:
                text = paint(cut(label.text, self.right), *filter(None, [_STYLES.get(label.colour)]))
                yield f"{axis}{drawn} {text}"
        at_ticks = {self.x(tick.at) // ACROSS for tick in scales.times(self.chart.start, self.chart.end)}
        yield " " * self.left + " └" + "".join("┬" if at in at_ticks else "─" for at in range(self.columns))

    def _beside(self, labels: list[Label], its: Scale) -> Mapping[int, Label]:
        """By row: each near its line's end, none over another."""
        wanted = [float(self.y(label.value, its) // DOWN) for label in labels]
        places = spread(wanted, 1.0, 0.0, self.rows - 1.0)
        return {floor(place + 0.5): label for place, label in zip(places, labels, strict=True)}

    def _beneath(self, texts: Iterable[tuple[int, str]]) -> str:
        """Texts from the right to the left, each at its column."""
        line, free = [" "] * self.columns, self.columns
        for at, text in texts:
            begin = min(max(at, 0), free - len(text))
            if begin >= 0 and at < free:
                line[begin : begin + len(text)] = text
                free = begin - 1
        return " " * (self.left + 2) + "".join(line).rstrip()


def _heading(panel: Panel, paint: Paint) -> Iterator[str]:
    unit = scales.unit_words(panel.unit)
    yield paint(clean(panel.title, _LONGEST_TITLE), "bold") + (paint(f" {unit}", "dim") if unit else "")


def _drawn(panel: Panel, its: Scale, frame: _Frame) -> Canvas:
    """The panel's lines over its marks, its limit and its bands."""
    canvas = Canvas(frame.columns, frame.rows)
    for line in panel.lines:
        _band(canvas, line, its, frame)
    for mark in frame.marks:
        for row in range(frame.rows):
            canvas.write(frame.x(mark.at) // ACROSS, row, "┊", "dim")
    if panel.limit is not None:
        canvas.write(0, frame.y(panel.limit, its) // DOWN, "╌" * frame.columns, "red")
    for line, colour in reversed(list(zip(panel.lines, looks.LINES, strict=False))):
        _line(canvas, line, _STYLES[colour], its, frame)
    if (highest := highlight(panel)) is not None:
        _highlight(canvas, highest, panel, its, frame)
    if not its.ticks:
        canvas.write(1, frame.rows // 2, _NOTHING, "dim")
    return canvas


def _highlight(canvas: Canvas, label: Label, panel: Panel, its: Scale, frame: _Frame) -> None:
    """Above its point; below what comes after it where the limit is above."""
    column, row = frame.x(label.at) // ACROSS, frame.y(label.value, its) // DOWN
    if panel.limit is not None and frame.y(panel.limit, its) // DOWN in (row, row - 1):
        column, row = column + 1, min(row + 1, frame.rows - 1)
    else:
        column, row = column - len(label.text) // 2, max(row - 1, 0)
    column = min(max(column, 0), frame.columns - len(label.text))
    canvas.write(column, row, label.text, _STYLES[label.colour])


def _line(canvas: Canvas, line: Line, style: str, its: Scale, frame: _Frame) -> None:
    """What was measured whole, what is expected dashed; gaps stay gaps."""
    for points, expected in pieces(line):
        for (at, value), (next_at, next_value) in pairwise(points):
            if value is not None and next_value is not None:
                start, end = (frame.x(at), frame.y(value, its)), (frame.x(next_at), frame.y(next_value, its))
                canvas.line(start, end, style, dashed=expected)
    for at, value in lonely(line.points):
        if value is not None:
            x, y = frame.x(at), frame.y(value, its)
            canvas.line((x, y), (x + 1, y), style)
            canvas.line((x, y + 1), (x + 1, y + 1), style)


def _band(canvas: Canvas, line: Line, its: Scale, frame: _Frame) -> None:
    for ((at, _), pair), ((next_at, _), next_pair) in pairwise(zip(line.points, line.band, strict=False)):
        if next_pair is None:
            continue
        low, high = pair or next_pair
        for column in range(frame.x(at) // ACROSS, frame.x(next_at) // ACROSS + 1):
            top, bottom = (
                frame.y(max(high, next_pair[1]), its) // DOWN,
                frame.y(min(low, next_pair[0]), its) // DOWN,
            )
            for row in range(top, bottom + 1):
                canvas.write(column, row, "░", "dim")
