"""Figures as they are read, the same everywhere: the number, its unit, its change against the period before."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final

from whisperwatch.version import __version__
from whisperwatch.watcher.answers.numbers import bars, number
from whisperwatch.watcher.answers.page import Line, Page, Section, Sketch, remarks
from whisperwatch.watcher.insight.figures import Basis, Figure

UNKNOWN: Final = "not known"
_BRACKETS: Final = "in brackets: against the period before"
_CHANGED: Final = re.compile(r"\((?:[+-]\d+ %|\d+ times as much)\)")
_LEAST: Final = 0.005
"""A change that rounds to nothing is none."""
_SIZES: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))
_NEARLY: Final = 0.02
"""A period that is cut to whole points is still called by its length."""


def shown(figure: Figure, what: str = "") -> str:
    """`1.2 s (+12 %)`; of so many things `12 calls (+12 %)`."""
    if figure.value is None:
        return UNKNOWN
    text = f"{number(figure.value, figure.unit)} {what}".rstrip()
    change = figure.change
    return text if change is None or abs(change) < _LEAST else f"{text} ({_change(change)})"


def named(name: str, figure: Figure) -> str:
    """`P95: 1.2 s (+12 %)`."""
    return f"{name}: {shown(figure)}"


def spark(points: tuple[float | None, ...], unit: str) -> tuple[Sketch, ...]:
    """`·▁▃█ 0 to 12`; what isn't known is a dot, for Discord draws spaces together. No line of less than two points."""
    known = [value for value in points if value is not None]
    if len(known) < 2:
        return ()
    range_ = f"{number(min(known), unit)} to {number(max(known), unit)}"
    return (Sketch(f"{bars(points).replace(' ', '·')} {range_}"),)


def thinned(points: tuple[float | None, ...], most: int) -> tuple[float | None, ...]:
    """At most so many points, each the largest of its part: a line that fits on a phone."""
    size = max(1, -(-len(points) // most))
    parts = [points[at : at + size] for at in range(0, len(points), size)]
    return tuple(max((point for point in part if point is not None), default=None) for part in parts)


def title(what: str, over_s: float) -> str:
    """`Performance, last 24 hours`."""
    return f"{what}, last {_called(over_s)}"


def page(
    what: str,
    basis: Basis,
    lines: tuple[Line, ...],
    sections: tuple[Section, ...] = (),
    status: str | None = None,
) -> Page:
    """A report's page: what is missing is told last, and what the store did to the period."""
    compared = any(map(_CHANGED.search, _texts(lines, sections)))
    foot = (f"Whisperwatch {__version__}", f"store: {basis.store}", _BRACKETS if compared else "")
    return Page(
        title(what, basis.over_s),
        lines,
        (*sections, *remarks(basis.missing, basis.notes)),
        status="unknown" if basis.missing else status,
        footer=" · ".join(filter(None, foot)),
        at=min(basis.end, time.time()),  # a period ends with its last whole point, which may not be over
    )


def _texts(lines: tuple[Line, ...], sections: tuple[Section, ...]) -> Iterator[str]:
    for line in (*lines, *(line for section in sections for line in section.lines)):
        if isinstance(line, tuple):
            yield from (part for part in line if isinstance(part, str))
        elif isinstance(line, str):
            yield line


def span(seconds: float) -> str:
    """`12 days`, `5 hours`, `20 min`."""
    for size, one, several in ((86_400, "day", "days"), (3600, "hour", "hours")):
        if seconds >= 2 * size or (size == 3600 and seconds >= size):
            count = round(seconds / size)
            return f"{count} {one if count == 1 else several}"
    return f"{seconds / 60:.0f} min"


def _called(over_s: float) -> str:
    """How long a period is, as it is called: `5 minutes`, `hour`, `24 hours`, `7 days`."""
    for size, name in _SIZES:
        count = round(over_s / size)
        whole = abs(over_s - count * size) <= max(1.0, over_s * _NEARLY)
        if whole and count > (size == 86_400):  # a day is 24 hours
            return name if count == 1 else f"{count} {name}s"
    return f"{over_s:.0f} seconds"


def _change(change: float) -> str:
    if change >= 9:
        return f"{change + 1:.0f} times as much"
    return f"{'+' if change > 0 else '-'}{abs(change) * 100:.0f} %"
