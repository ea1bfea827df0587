"""How charts look: sizes that a phone shows legibly, and colours on a ground of their own, on dark and light Discord.

A phone shows the picture some 400 points wide, so that an inch here is about 90 points there.
"""

from __future__ import annotations

from typing import Any, Final

from whisperwatch.watcher.answers.charts.fonts import FAMILY

DPI: Final = 256
WIDTH: Final = 4.5
"""Inches, as all lengths here."""
HEIGHTS: Final = (2.55, 3.2, 3.6, 4.0)
"""Of one panel, two, … Discord makes what is higher than it is wide too small to read."""
EDGE: Final = 0.11
TITLE: Final = 0.24
PERIOD: Final = 0.18
MARKS: Final = 0.17
HEADING: Final = 0.2
"""Of a panel."""
BETWEEN: Final = 0.09
TIMES: Final = 0.17
GAP: Final = 0.06
"""Between an axis and what is written beside it."""

GROUND: Final = "#1b1d22"
TEXT: Final = "#f2f3f5"
QUIET: Final = "#a9aeb8"
GRID: Final = "#34373f"
LIMIT: Final = "#ff6b6b"
LINES: Final = ("#5cb8ff", "#ffb347", "#4fd6a8", "#e58fd0", "#f5e663", "#b9a5ff")
"""Told apart by the colour-blind too, and readable as text on the ground: Okabe and Ito's, lighter."""

TITLE_SIZE: Final = 11.0
"""Points, as all sizes of text."""
HEADING_SIZE: Final = 9.5
SIZE: Final = 9.0

SETTINGS: Final[Any] = {
    "font.family": [FAMILY],
    "text.parse_math": False,  # a dollar in somebody's name is a dollar
    "text.usetex": False,
    "axes.unicode_minus": True,
    "agg.path.chunksize": 10_000,
    "path.simplify": True,
}
"""Of matplotlib."""
