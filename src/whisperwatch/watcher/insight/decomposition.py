"""A series taken apart: what recurs each day and week, where its level has jumped, and what is left of a trend.

Plain lists and medians: the watcher has no numpy, and one outlier or one deploy must not bend a trend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, median
from typing import Final

_JUMP: Final = 8.0
"""How many times the usual change a jump is: no noise, walk or ramp in the back-test comes near it."""
_MOST_STEPS: Final = 2
"""More jumps than that are how the series goes (a log that is rotated), and no news of its level."""
_BLOCKS: Final = 28
_WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Shape:
    """What a series is made of; times are counted in points.

    Attributes:
        season: what is added at each point of a day or week, from the series' first point on; (0.0,) without.
        rest: the series without season.
        known: which points were measured; the others repeat the one before.
        slope: of `rest`, a point.
    """

    season: tuple[float, ...]
    rest: tuple[float, ...]
    known: tuple[bool, ...]
    slope: float

    def level(self, window: int, slope: float) -> float:
        """Where the series is at its last point, by the last `window` points, if it moves by `slope`."""
        last = len(self.rest) - 1
        inside = [
            self.rest[at] + slope * (last - at)
            for at in range(max(0, last + 1 - window), last + 1)
            if self.known[at]
        ]
        return fmean(inside) if inside else self.rest[-1]

    def recurring(self, at: int) -> float:
        """What the season adds at a point, also at one to come."""
        return self.season[at % len(self.season)]


def filled(points: Sequence[float | None]) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """The points, in a gap the value before it (at the start the first known one), and which are known."""
    last = next((point for point in points if point is not None), 0.0)
    values = []
    for point in points:
        last = last if point is None else point
        values.append(last)
    return tuple(values), tuple(point is not None for point in points)


def shape(values: Sequence[float], known: Sequence[bool], per_day: int, days: int) -> Shape:
    """The parts of a series without gaps.

    Args:
        per_day: points of a day.
        days: of the season: 1 of a daily, 7 of a weekly one, 0 for none.
    """
    season = _season(values, known, per_day, days)
    rest = [value - season[at % len(season)] for at, value in enumerate(values)]
    return Shape(season, tuple(rest), tuple(known), slope_of(rest))


def levelled(
    values: Sequence[float], known: Sequence[bool], per_day: int
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The series as if it had always been at its last level, and where that had jumped."""
    season = _season(values, known, per_day, 1 if len(values) >= 3 * per_day > 3 else 0)
    rest = [value - season[at % len(season)] for at, value in enumerate(values)]
    steps = level_steps(rest, max(6, per_day // 2))
    found = list(values)
    for at, height in steps:
        found[:at] = [value + height for value in found[:at]]
    return tuple(found), tuple(at for at, _ in steps)


def level_steps(rest: Sequence[float], window: int) -> list[tuple[int, float]]:
    """Where the level jumps, and by how much; nothing where jumps are its way."""
    changes = [median(rest[at : at + 3]) - median(rest[at - 3 : at]) for at in range(3, len(rest) - 2)]
    if not changes:
        return []
    usual = median(map(abs, changes)) * 1.48
    least = max(_JUMP * usual, 1e-9 * (max(rest) - min(rest)), 1e-12)
    found: list[tuple[int, float]] = []
    for at in _peaks(changes, least):
        height = median(rest[at : at + window]) - median(rest[max(0, at - window) : at])
        if height * changes[at - 3] > 0 and abs(height) >= 0.6 * abs(changes[at - 3]):
            found.append((at, height))
    returned = abs(sum(height for _, height in found)) < 0.3 * max(
        (abs(height) for _, height in found), default=0.0
    )
    return [] if returned or len(found) > _MOST_STEPS else found


def slope_of(values: Sequence[float]) -> float:
    """The median of the slopes between the means of up to 28 blocks, a point (Theil and Sen)."""
    size = max(1, -(-len(values) // _BLOCKS))
    means = [fmean(values[at : at + size]) for at in range(len(values) % size, len(values), size)]
    slopes = [
        (later - earlier) / ((second - first) * size)
        for first, earlier in enumerate(means)
        for second, later in enumerate(means[first + 1 :], first + 1)
    ]
    return median(slopes) if slopes else 0.0


def _peaks(changes: Sequence[float], least: float) -> list[int]:
    """The largest change of each run of large ones, as the index of the first point after it."""
    large = [at for at, change in enumerate(changes) if abs(change) > least]
    runs: list[list[int]] = []
    for before, at in pairwise([-9, *large]):
        if at - before > 3:
            runs.append([])
        runs[-1].append(at)
    return [max(run, key=lambda at: abs(changes[at])) + 3 for run in runs]


def _season(values: Sequence[float], known: Sequence[bool], per_day: int, days: int) -> tuple[float, ...]:
    if not days:
        return (0.0,)
    daily = _profile(values, known, per_day)
    if days == 1:
        return daily
    rest = [value - daily[at % per_day] for at, value in enumerate(values)]
    means = [fmean(rest[at : at + per_day]) for at in range(0, len(rest) - per_day + 1, per_day)]
    weekly = _profile(means, [True] * len(means), _WEEK_DAYS)
    return tuple(weekly[at // per_day] + daily[at % per_day] for at in range(per_day * _WEEK_DAYS))


def _profile(values: Sequence[float], known: Sequence[bool], period: int) -> tuple[float, ...]:
    """By its place in the period, how far a point is from the mean of one period around it; 0 on average."""
    sums = [0.0, *accumulate(values)]
    half = period // 2
    away: list[list[float]] = [[] for _ in range(period)]
    for at in range(half, len(values) - (period - half) + 1):
        if known[at]:
            away[at % period].append(values[at] - (sums[at - half + period] - sums[at - half]) / period)
    profile = [median(one) if one else 0.0 for one in away]
    mean = fmean(profile)
    return tuple(value - mean for value in profile)
