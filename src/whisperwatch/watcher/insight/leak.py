"""Whether a process leaks memory, or is only busy, warming up, or filling a cache.

What load takes is given back each night: so it is the lows of whole days that tell, one for each quarter of a day. A
leak lifts them, all along and to the end. A cache that fills lifts them ever less, a deploy once, a garbage collector
not at all. A restart begins anew. `docs/forecasts.md` has how often that is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Literal

Verdict = Literal["leaks", "no leak", "not known yet"]

_DAY_S: Final = 86_400.0
_LOW: Final = 0.1
"""Which share of a day's points lies below its low."""
_LEAST_DAYS: Final = 2.5
"""A shorter life has no two days to be told apart."""
_RISING: Final = 0.6
"""How much more often lows rise than fall (Kendall's tau), at least, in a leak."""
_MATERIAL: Final = 0.005
"""Of what is in use, how much a leak takes a day, at least: with less it lasts for months."""
_AT_LAST: Final = 0.45
"""How fast the latter half rises, at least, compared with the whole: else it comes to a rest."""
_AT_ONCE: Final = 0.65
"""Which share of the growth comes within a quarter of a day in a step."""
_RESTART: Final = 0.1
"""By which share resident memory falls at a restart, at least, where nobody tells of them."""


@dataclass(frozen=True, slots=True)
class Leak:
    """What memory's way says.

    Attributes:
        a_day: how much the lows rise a day, in the points' unit; None where that isn't known.
        reason: a sentence without a capital and full stop.
        days: how long the lives were that were looked at, together.
    """

    verdict: Verdict
    a_day: float | None
    reason: str
    days: float


@dataclass(frozen=True, slots=True)
class _Life:
    """From one restart to the next. `why` it leaks not; empty where it does. `days` long; `a_day` is the lows' rise."""

    days: float
    a_day: float
    why: str


def leak(points: Sequence[float | None], step_s: float, restarts: Sequence[int] | None = None) -> Leak:
    """The verdict on a process's resident memory.

    Args:
        points: evenly spaced, the oldest first; None where nothing was measured.
        step_s: their distance, seconds.
        restarts: the indices of the first points of new processes. None is not known: deep falls are taken for them.
    """
    per_day = round(_DAY_S / step_s)
    cuts = [0, *(_falls(points, per_day) if restarts is None else restarts), len(points)]
    lives = [
        _life(points[start:end], per_day)
        for start, end in pairwise(sorted(set(cuts)))
        if end - start >= _LEAST_DAYS * per_day > 0
    ]
    known = [life for life in lives if life is not None]
    if not known:
        return Leak("not known yet", None, "no run of the process is two days and a half long", 0.0)
    return _verdict(known)


def _verdict(lives: Sequence[_Life]) -> Leak:
    """By what most of the time says."""
    days = sum(life.days for life in lives)
    leaking = [life for life in lives if not life.why]
    of_leaking = sum(life.days for life in leaking)
    if of_leaking > days / 2:
        a_day = sum(life.a_day * life.days for life in leaking) / of_leaking
        return Leak("leaks", a_day, f"the lows of its days have risen all along, for {days:.3g} days", days)
    a_day = sum(life.a_day * life.days for life in lives) / days
    if of_leaking:
        return Leak("not known yet", a_day, "it has grown in one run, and not in others", days)
    longest = max((life for life in lives if life.why), key=lambda life: life.days)
    return Leak("no leak", a_day, longest.why, days)


def _life(points: Sequence[float | None], per_day: int) -> _Life | None:
    lows = list(_lows(points, per_day))
    if len(lows) < 5:
        return None
    quarter = max(1, per_day // 4) / per_day
    a_day = _slope(lows) / quarter
    return _Life(len(points) / per_day, a_day, _innocent(lows, a_day, quarter))


def _innocent(lows: Sequence[float], a_day: float, quarter: float) -> str:
    """Why the lows don't tell of a leak; empty where they do."""
    if a_day < _MATERIAL * median(lows):
        return "the lows of its days stay where they are"
    if _tau(lows) < _RISING:
        return "the lows of its days rise and fall"
    if _slope(lows[len(lows) // 2 :]) / quarter < _AT_LAST * a_day:
        return "it grew, and has come to a rest"
    rises = [later - earlier for earlier, later in pairwise(lows)]
    if max(rises) > _AT_ONCE * (max(lows) - min(lows)):
        return "it grew at once, as after a deploy, and not since"
    return ""


def _lows(points: Sequence[float | None], per_day: int) -> Iterator[float]:
    """The low of the day before each quarter of a day, up to the end."""
    quarter = max(1, per_day // 4)
    for end in range(len(points) - (len(points) - per_day) // quarter * quarter, len(points) + 1, quarter):
        known = sorted(point for point in points[end - per_day : end] if point is not None)
        if len(known) > per_day // 2:
            yield known[int(len(known) * _LOW)]


def _falls(points: Sequence[float | None], per_day: int) -> list[int]:
    """Where so much is given back at once, and so rarely, that it is another process."""
    found, before = [], None
    for at, point in enumerate(points):
        if point is None:
            continue
        if before is not None and point < before * (1 - _RESTART):
            found.append(at)
        before = point
    often = len(found) * _LEAST_DAYS * per_day > len(points)
    return [] if often else found


def _slope(values: Sequence[float]) -> float:
    """The median slope between any two, a place (Theil and Sen)."""
    return median(
        (later - earlier) / (second - first)
        for first, earlier in enumerate(values)
        for second, later in enumerate(values[first + 1 :], first + 1)
    )


def _tau(values: Sequence[float]) -> float:
    """Of all pairs, how many more rise than fall: 1 of a series that only rises (Kendall)."""
    signs = [
        (later > earlier) - (later < earlier)
        for first, earlier in enumerate(values)
        for later in values[first + 1 :]
    ]
    return sum(signs) / len(signs)
