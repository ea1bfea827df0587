"""What a chart shows, as plain data: made in the watcher, sent to the worker as JSON, and compared in tests."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

MOST_PANELS: Final = 4
MOST_LINES: Final = 6
"""More can't be told apart on a phone."""
MOST_POINTS: Final = 5000
"""Of a line; more than there are pixels."""
Point = tuple[float, float | None]
Band = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        points: (unix seconds, value), ascending; None is not known, and a gap.
        band: for each point (low, high) between which a forecast's value is expected, None where it was measured;
            empty where all was.

    Raises:
        ValueError: it has more points than are drawn, or a band that isn't one for each.
    """

    name: str
    points: tuple[Point, ...]
    band: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        if len(self.points) > MOST_POINTS:
            raise ValueError(f"a line has at most {MOST_POINTS} points, not {len(self.points)}")
        if self.band and len(self.band) != len(self.points):
            raise ValueError(f"{len(self.band)} bands are given for {len(self.points)} points")


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share one scale. `unit` is UCUM's, or a count per minute such as `{message}/min`.

    Attributes:
        limit: what must not be reached, such as the size of a disk; None where there is no such thing.

    Raises:
        ValueError: there are more lines than can be told apart.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]
    limit: float | None = None

    def __post_init__(self) -> None:
        if len(self.lines) > MOST_LINES:
            raise ValueError(f"a panel has at most {MOST_LINES} lines, not {len(self.lines)}")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a time (unix seconds), such as a release. One without a name has its line only."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels one below the other over one time, from `start` to `end` (unix seconds).

    Raises:
        ValueError: the time is none, or there are no panels, or more than a phone shows.
    """

    title: str
    start: float
    end: float
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(
                f"a chart's time ends after its start, not {self.end:.0f} after {self.start:.0f}"
            )
        if not 1 <= len(self.panels) <= MOST_PANELS:
            raise ValueError(f"a chart has 1 to {MOST_PANELS} panels, not {len(self.panels)}")

    def is_empty(self) -> bool:
        """Whether nothing is known of all that it would show."""
        lines = (line for panel in self.panels for line in panel.lines)
        return all(value is None for line in lines for _, value in line.points)


def packed(chart: Chart) -> bytes:
    """As JSON. A value that isn't finite isn't known.

    Raises:
        ValueError: a time isn't finite.
    """
    found = asdict(chart)
    for line in (line for panel in found["panels"] for line in panel["lines"]):
        line["points"] = [(at, _finite(value)) for at, value in line["points"]]
        line["band"] = [pair if pair and all(map(math.isfinite, pair)) else None for pair in line["band"]]
    for panel in found["panels"]:
        panel["limit"] = _finite(panel["limit"])
    return json.dumps(found, separators=(",", ":"), allow_nan=False).encode()


def unpacked(data: bytes) -> Chart:
    """What `packed` made.

    Raises:
        ValueError, TypeError, KeyError: it did not make that.
    """
    found = json.loads(data)
    panels = tuple(_panel(panel) for panel in found.pop("panels"))
    return Chart(panels=panels, marks=tuple(Mark(**mark) for mark in found.pop("marks")), **found)


def _panel(found: dict[str, Any]) -> Panel:
    return Panel(lines=tuple(_line(line) for line in found.pop("lines")), **found)


def _line(found: Mapping[str, Any]) -> Line:
    points = tuple((at, value) for at, value in found["points"])
    band = tuple(None if pair is None or None in pair else (pair[0], pair[1]) for pair in found["band"])
    return Line(found["name"], points, band)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
