"""Where a series is going, with bands that say how far such forecasts of it have been off.

The bands aren't computed from a theory of its noise. The series is forecast again from moments in its past, and what
came then is compared: the model that would have been nearest is used, and its errors, by how far ahead they were, are
the band. So a series that goes its own ways has wide bands, whatever its noise is. `docs/forecasts.md` has how it was
tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log
from statistics import fmean
from typing import Final

from whisperwatch.watcher.insight.decomposition import filled, levelled, shape
from whisperwatch.watcher.insight.rolling_origin import (
    LEAST_POINTS,
    errors_of,
    likeness,
    nearest,
    origins_of,
)

COVERED: Final = 0.9
"""Of what comes, how much the bands are to hold."""
SEASONS: Final = {0: "", 1: "daily", 7: "weekly"}
"""By the days after which they recur."""
_DAY_S: Final = 86_400.0
_ONE_THING: Final = 0.6
"""From this likeness of its tries on they are not several."""
_WIDER: Final = 0.4
"""By how much bands are wider where all tries tell of one thing, as a walk's do; tuned on other series than tested."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come, a value for each point after the last.

    Attributes:
        step_s: the distance of the points, seconds.
        expected, low, high: in the series' own unit; nine of ten points are to lie from `low` to `high`.
        tested_s: how far ahead it was tried on this series' own past; beyond it, the bands are extrapolated.
        origins: from how many moments it was tried.
        slope: of the trend that is in it, a point; 0 where there is none.
        season: `daily`, `weekly` or none.
        steps: jumps of the level that were found, and not taken for a trend.
        alike: from 0 to 1, how much the tries tell of one thing: then they are fewer than they seem.
    """

    step_s: float
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    tested_s: float
    origins: int
    slope: float
    season: str
    steps: int
    alike: float

    def confidence(self, ahead_s: float) -> str:
        """`high`, `moderate` or `low`, in what it says of so many seconds ahead.

        High as far as it was tried, by tries that were several; low from twice as far on.
        """
        if ahead_s > 2 * self.tested_s:
            return "low"
        return "moderate" if ahead_s > self.tested_s or self.alike > _ONE_THING else "high"


@dataclass(frozen=True, slots=True)
class Reach:
    """When a level is reached, seconds from the last point; None is not within the forecast.

    Attributes:
        earliest, latest: when the upper, when the lower edge of the band gets there.
    """

    earliest: float | None
    expected: float | None
    latest: float | None


def forecast(points: Sequence[float | None], step_s: float, horizon: int) -> Forecast | None:
    """The next `horizon` points of a series; None where it is too short to be tried.

    Args:
        points: evenly spaced, the oldest first; None where nothing was measured.
        step_s: their distance, seconds.
    """
    first = next((at for at, point in enumerate(points) if point is not None), len(points))
    values, known = filled(points[first:])
    if sum(known) < LEAST_POINTS:
        return None
    per_day = max(1, round(_DAY_S / step_s))
    values, steps = levelled(values, known, per_day)
    origins = origins_of(len(values), per_day)
    errors = errors_of(values, known, per_day, origins)
    if not any(errors.values()):
        return None
    model = nearest(errors)
    parts = shape(values, known, per_day, model.days)
    slope = parts.slope if model.trend else 0.0
    expected = model.ahead(parts, range(1, horizon + 1))
    tries = errors[model]
    tested_s, alike = max(lead for lead, _ in tries) * step_s, likeness(tries)
    unsure = abs(parts.slope) / (2 if model.trend else 1)
    around = list(zip(expected, _widths(tries, horizon, alike, unsure), strict=True))
    low, high = (
        tuple(value - width for value, width in around),
        tuple(value + width for value, width in around),
    )
    return Forecast(
        step_s,
        tuple(expected),
        low,
        high,
        tested_s,
        len(origins),
        slope,
        SEASONS[model.days],
        len(steps),
        alike,
    )


def reached(ahead: Forecast, level: float) -> Reach:
    """When a series that is below a level gets there."""
    return Reach(*(_first(edge, level, ahead.step_s) for edge in (ahead.high, ahead.expected, ahead.low)))


def _first(edge: Sequence[float], level: float, step_s: float) -> float | None:
    return next((at * step_s for at, value in enumerate(edge, 1) if value >= level), None)


def _widths(tries: Sequence[tuple[int, float]], horizon: int, alike: float, unsure: float) -> Iterator[float]:
    """Half the band, by lead: what held nine tenths of all errors, grown as errors grow with their lead.

    Args:
        unsure: by how much more a point it widens further ahead than it was tried: a trend may be as wrong as it is
            long, and one that was too slow to be believed may be there. A walk has no way back, either.
    """
    growth, tested = _growth(tries), max(lead for lead, _ in tries)
    scaled = sorted(abs(error) / lead**growth for lead, error in tries)
    at = min(len(scaled) - 1, ceil(COVERED * (len(scaled) + 1)) - 1)
    wide, beyond = (1 + _WIDER * alike) * scaled[at], max(growth, alike)
    for lead in range(1, horizon + 1):
        width = wide * min(lead, tested) ** growth * max(1.0, lead / tested) ** beyond
        yield width + max(0, lead - tested) * unsure


def _growth(tries: Sequence[tuple[int, float]]) -> float:
    """The power of the lead by which errors grow: 0 of white noise, a half of a random walk, 1 of a wrong trend.

    Errors far ahead overlap, and are few: the nearer ones have more to say.
    """
    by_lead: dict[int, list[float]] = {}
    for lead, error in tries:
        by_lead.setdefault(lead, []).append(abs(error))
    known = [
        (log(lead), log(mean), len(of) / lead**2) for lead, of in by_lead.items() if (mean := fmean(of)) > 0
    ]
    weight = sum(count for _, _, count in known)
    if len(known) < 2:
        return 0.0
    x_mean = sum(x * count for x, _, count in known) / weight
    y_mean = sum(y * count for _, y, count in known) / weight
    spread = sum(count * (x - x_mean) ** 2 for x, _, count in known)
    return min(1.0, max(0.0, sum(n * (x - x_mean) * (y - y_mean) for x, y, n in known) / spread))
