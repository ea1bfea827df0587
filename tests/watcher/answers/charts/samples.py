"""Charts for the tests, like those that admins see."""

from __future__ import annotations

import math
import struct

from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel
from whisperwatch.watcher.answers.charts.frames import PNG

AT = 1_700_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR


def history() -> Chart:
    """A day with a gap, a lonely point and a release."""
    times = [AT - DAY + HOUR * (index + 0.5) for index in range(24)]
    slow = [2.0 + math.sin(index / 4) if index not in (8, 9, 11) else None for index in range(24)]
    fast = [None if value is None else value / 4 for value in slow]
    failures = [14.0 if index == 17 else float(index % 3) for index in range(24)]
    return Chart(
        "Performance, last 24 hours",
        AT - DAY,
        AT,
        (
            Panel("Response time", "s", (line("P95", times, slow), line("P50", times, fast))),
            Panel("Answers", "{message}/min", (line("Answers", times, slow),)),
            Panel("Failures each 1h", "{error}", (line("errors", times, failures),)),
        ),
        (Mark(AT - 8 * HOUR, "v2.4.1"),),
    )


def forecast() -> Chart:
    """A disk that fills, with a band around what is expected."""
    times = [AT + DAY * index for index in range(-14, 31)]
    used = [9e9 + 2e8 * index for index in range(-14, 31)]
    band = tuple(None if n <= 0 else (9e9 + 1e8 * n, 9e9 + 3e8 * n) for n in range(-14, 31))
    disk = Line("Disk", tuple(zip(times, used, strict=True)), band)
    return Chart("Disk / is full in 15 days", times[0], times[-1], (Panel("Disk /", "By", (disk,), 1.2e10),))


def line(name: str, times: list[float], values: list[float | None] | list[float]) -> Line:
    return Line(name, tuple(zip(times, values, strict=True)))


def size(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG, in pixels."""
    assert picture.startswith(PNG)
    assert picture[12:16] == b"IHDR"
    assert picture.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height
