"""One limited thing: what is in use of it, where that is going, and when it is full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.forecast import Forecast, Reach, forecast, reached
from whisperwatch.watcher.insight.limits import Limited, Sort
from whisperwatch.watcher.insight.rolling_origin import LEAST_POINTS

_DAY_S: Final = 86_400.0
_AHEAD: Final = 4
"""How many times as far ahead it looks as there is a past."""
_STALE: Final = 3
"""A value is one of now if it is among so many last points."""
_SHOWN_DAYS: Final = (1, 7, 30)
_COURSE: Final = 56


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is expected in `in_s` seconds, and from where to where nine of ten such forecasts hold."""

    in_s: float
    low: float
    expected: float
    high: float
    confidence: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One limited thing.

    Attributes:
        of: which of its sort: the mount point, the pool; else empty.
        used, peak: now, and at most in the period; None is not known.
        limit: how much there is; None is not known.
        points: what was in use, the oldest first.
        ahead: a day, a week, a month ahead, as far as there is a forecast.
        full: when it is full, seconds from now; None where that isn't known.
        horizon_s: how far ahead was looked; 0 without a forecast.
        tested_s, origins: how far ahead and from how many moments of its past the forecast was tried.
        confidence: `high`, `moderate` or `low`, in the time that `full` tells; empty without a forecast.
        why: why there is no forecast; empty where there is one.
        course: what is ahead in at most 56 steps, as far as there is a past.
    """

    sort: Sort
    name: str
    of: str
    used: Figure
    peak: Figure
    limit: Figure
    points: tuple[float | None, ...]
    ahead: tuple[Ahead, ...] = ()
    full: Reach | None = None
    horizon_s: float = 0.0
    tested_s: float = 0.0
    origins: int = 0
    confidence: str = ""
    why: str = ""
    course: tuple[Ahead, ...] = ()

    @property
    def share(self) -> float | None:
        """Of the limit, what is in use now."""
        if self.used.value is None or not self.limit.value:
            return None
        return self.used.value / self.limit.value

    @property
    def foreseeable(self) -> tuple[Ahead, ...]:
        """What is ahead, no further than there is a past."""
        return tuple(ahead for ahead in self.ahead if ahead.in_s <= self.horizon_s / _AHEAD)

    @property
    def urgency(self) -> tuple[float, float, float]:
        """What is full sooner, or may be, or is nearer its limit, comes first when sorted by this."""
        full = self.full or Reach(None, None, None)
        expected, earliest = (float("inf") if at is None else at for at in (full.expected, full.earliest))
        return expected, earliest, -(self.share or 0.0)


def resource(
    limited: Limited,
    group: str,
    points: tuple[float | None, ...],
    limit: float | None,
    step_s: float,
    most_s: float = float("inf"),
) -> Resource | None:
    """What the points of one limited thing say; None where there are none.

    Args:
        group: which of its sort.
        points: what was in use, `step_s` seconds apart.
        most_s: further ahead it doesn't look.
    """
    if limited.left:
        points = tuple(None if point is None else 1 - point for point in points)
    known = [point for point in points if point is not None]
    if not known:
        return None
    used, unit = newest(points[-_STALE:]), limited.unit
    bare = Resource(
        limited.sort, limited.name.format(group), group,
        Figure(used, unit), Figure(max(known), unit), Figure(limit, unit), points,
    )  # fmt: skip
    if used is None:
        return replace(bare, why="nothing was measured of it lately")
    if limit is None:
        return replace(bare, why="its limit is not known")
    past = len(points) - next(at for at, point in enumerate(points) if point is not None)
    ahead = forecast(points, step_s, min(past * _AHEAD, max(1, ceil(min(most_s / step_s, 1e9)))))
    full = Reach(0.0, 0.0, 0.0) if used >= limit else None
    if ahead is None:
        return replace(
            bare, full=full, why=f"a forecast takes {LEAST_POINTS} points, {step_s / 60:g} min apart"
        )
    return _going(bare, ahead, full or reached(ahead, limit))


def newest(points: Sequence[float | None]) -> float | None:
    """The last of the points that is known."""
    return next((point for point in reversed(points) if point is not None), None)


def _going(bare: Resource, ahead: Forecast, full: Reach) -> Resource:
    horizon_s = len(ahead.expected) * ahead.step_s
    told_s = next((at for at in (full.expected, full.earliest) if at is not None), horizon_s)
    return replace(
        bare,
        ahead=tuple(_shown(ahead)),
        course=tuple(_course(ahead)),
        full=full,
        horizon_s=horizon_s,
        tested_s=ahead.tested_s,
        origins=ahead.origins,
        confidence=_confidence(ahead, full, told_s),
    )


def _confidence(ahead: Forecast, full: Reach, told_s: float) -> str:
    """The forecast's own; not low where even its bands, which widen with time, tell about the same time."""
    found = ahead.confidence(told_s)
    if found != "low" or not full.earliest or not full.expected or not full.latest:
        return found
    return "moderate" if full.latest - full.earliest <= full.expected / 2 else "low"


def _shown(ahead: Forecast) -> Iterator[Ahead]:
    for days in _SHOWN_DAYS:
        points = round(days * _DAY_S / ahead.step_s)
        if 1 <= points <= len(ahead.expected):
            yield _after(ahead, points, days * _DAY_S)


def _course(ahead: Forecast) -> Iterator[Ahead]:
    past = len(ahead.expected) // _AHEAD
    for number in range(1, _COURSE + 1):
        points = round(past * number / _COURSE)
        if points != round(past * (number - 1) / _COURSE):
            yield _after(ahead, points, points * ahead.step_s)


def _after(ahead: Forecast, points: int, in_s: float) -> Ahead:
    low, expected, high = (max(0.0, edge[points - 1]) for edge in (ahead.low, ahead.expected, ahead.high))
    return Ahead(in_s, low, expected, high, ahead.confidence(in_s))
