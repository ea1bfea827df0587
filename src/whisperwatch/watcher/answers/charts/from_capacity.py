"""What is full first, as a chart: what was in use, where that is going, and how much there is."""

from __future__ import annotations

from math import inf
from typing import Final

from whisperwatch.watcher.answers.charts.chart import Band, Chart, Line, Panel, Point
from whisperwatch.watcher.answers.charts.from_reports import Steps
from whisperwatch.watcher.answers.figures import span
from whisperwatch.watcher.insight.capacity import Capacity
from whisperwatch.watcher.insight.outlook import Resource

_MOST: Final = 3


def drawn(report: Capacity) -> tuple[Resource, ...]:
    """What the chart shows: of those that are full first, which have a course at all."""
    found = [one for one in report.resources if sum(point is not None for point in one.points) > 1]
    return tuple(found[:_MOST])


def from_capacity(report: Capacity) -> Chart | None:
    """A panel for each; None where nothing has a course."""
    resources = drawn(report)
    if not resources:
        return None
    steps = Steps(report)
    ahead_s = max((one.course[-1].in_s for one in resources if one.course), default=0.0)
    panels = tuple(
        Panel(_title(one), one.used.unit, (_line(one, steps),), one.limit.value) for one in resources
    )
    return steps.chart("Capacity", panels, ahead_s)


def _title(one: Resource) -> str:
    expected = None if one.full is None else one.full.expected
    if expected is None:
        return one.name
    return f"{one.name}: full {f'in {span(expected)}' if expected else 'now'}"


def _line(one: Resource, steps: Steps) -> Line:
    """What was measured, and after it what is expected: never more than there is."""
    middles = steps.middles
    limit = inf if one.limit.value is None else one.limit.value
    points: list[Point] = list(zip(middles, one.points, strict=True))
    bands: list[Band] = [None] * len(points)
    for ahead in one.course:
        low, expected, high = (min(value, limit) for value in (ahead.low, ahead.expected, ahead.high))
        points.append((middles[-1] + ahead.in_s, expected))
        bands.append((low, high))
    return Line(one.name, tuple(points), tuple(bands) if one.course else ())
