"""A series forecast again from moments in its past: which model would have been near, and how far off it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from whisperwatch.watcher.insight.decomposition import Shape, shape

LEAST_POINTS: Final = 24
_ORIGINS: Final = 16
_LEADS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_BETTER: Final = 0.9
"""Only with a mean error below so much of the simpler model's is a trend or a season believed."""


@dataclass(frozen=True, slots=True)
class Model:
    """How a shape is carried on.

    Attributes:
        days: of its season; 0 without.
        trend: whether it goes on as it went.
        window: by how many of the last points its level goes.
    """

    days: int
    trend: bool
    window: int

    def ahead(self, parts: Shape, leads: Iterable[int]) -> list[float]:
        """The values so many points ahead."""
        slope = parts.slope if self.trend else 0.0
        level, last = parts.level(self.window, slope), len(parts.rest) - 1
        return [level + slope * lead + parts.recurring(last + lead) for lead in leads]


Errors = dict[Model, list[tuple[int, float]]]
"""By model, (how many points ahead, how far off) of each try."""


def origins_of(count: int, per_day: int) -> list[int]:
    """The lengths of the pasts from which it is tried, in the latter half."""
    days = count / per_day
    least = 14 if days >= 17.5 else 3 if days >= 4 else 0
    start = max(count // 2, least * per_day, LEAST_POINTS // 2)
    return sorted({start + (count - 1 - start) * at // (_ORIGINS - 1) for at in range(_ORIGINS)})


def _models(count: int, per_day: int) -> list[Model]:
    """Those that the shortest past of `count` points bears, the simplest first."""
    days = [0]
    if per_day > 1 and count >= 3 * per_day:
        days.append(1)
    if count >= 14 * per_day:
        days.append(7)
    windows = sorted({1, max(2, per_day // 6), per_day, count})
    return [Model(of, trend, window) for of in days for trend in (False, True) for window in windows]


def errors_of(values: Sequence[float], known: Sequence[bool], per_day: int, origins: Sequence[int]) -> Errors:
    """What each model would have been off by, from each of `origins`."""
    models = _models(origins[0], per_day)
    errors: Errors = {model: [] for model in models}
    for origin in origins:
        shapes = {
            days: shape(values[:origin], known[:origin], per_day, days)
            for days in {one.days for one in models}
        }
        leads = [lead for lead in _LEADS if origin + lead <= len(values) and known[origin + lead - 1]]
        for model in models:
            ahead = model.ahead(shapes[model.days], leads)
            errors[model] += [
                (lead, values[origin + lead - 1] - value) for lead, value in zip(leads, ahead, strict=True)
            ]
    return errors


def nearest(errors: Errors) -> Model:
    """The model with the least mean error; one that is simpler where that is as near."""
    best, least = next(iter(errors)), float("inf")
    for model, of_model in errors.items():
        mean = fmean(abs(error) for _, error in of_model)
        simpler = model.days == best.days and model.trend == best.trend
        if mean < least * (1.0 if simpler else _BETTER):
            best, least = model, mean
    return best


def likeness(tries: Sequence[tuple[int, float]]) -> float:
    """How much an error is like that of the same lead from the moment before: of 1, all tries tell of one thing."""
    before: dict[int, float] = {}
    together = apart = 0.0
    for lead, error in tries:
        if lead in before:
            together += before[lead] * error
            apart += (before[lead] ** 2 + error**2) / 2
        before[lead] = error
    return max(0.0, together / apart) if apart else 0.0
