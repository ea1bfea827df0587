"""Where a chart's axes have their few labels, and what these say: whole numbers of units that people count in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from whisperwatch.watcher.answers.numbers import number

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIME_STEPS: Final = (
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12)),
    *(_DAY * count for count in (1, 2, 3, 7, 14, 30, 90, 180, 365)),
)
_MOST_TIMES: Final = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and what is written there."""

    at: float
    text: str


def values(least: float, most: float, unit: str, most_steps: int) -> tuple[Tick, ...]:
    """0 and round numbers between `least` and `most`; a step at least, also where there is nothing."""
    least, most = min(least, 0.0), max(most, 0.0)
    size = _size(max(most, -least), unit)
    step = _step((most - least) / size / most_steps, counted=_is_count(unit)) * size
    first, last = math.ceil(round(least / step, 6)), math.floor(round(most / step, 6))
    last = max(last, first + 1)
    return tuple(Tick(count * step, shown(count * step, unit)) for count in range(first, last + 1))


def shown(value: float, unit: str) -> str:
    """A value as `numbers.number` says it; of a rate only the number, for its panel's title says the unit."""
    if unit == "By/s":
        return f"{number(value, 'By')}/s"
    return number(value, "" if "/min" in unit else unit)


def unit_words(unit: str) -> str:
    """What a panel's title says of the unit that its numbers don't: `messages/min`; empty where they do."""
    counted, slash, time = unit.partition("/")
    return f"{counted.strip('{}')}s/{time}" if slash and time == "min" else ""


def times(start: float, end: float) -> tuple[Tick, ...]:
    """Round times in UTC: `14:00`, at midnight and where days are far apart `3 Mar`, and `Mar 2025` over years."""
    over = end - start
    step = next((step for step in _TIME_STEPS if over / step <= _MOST_TIMES), _TIME_STEPS[-1])
    return tuple(Tick(at, _time(at, step)) for at in _rounds(start, end, step))


def spell(start: float, end: float) -> str:
    """From when to when, in UTC: `2 Mar 14:00 to 3 Mar 14:00 UTC`."""
    first, last = (_date(round(at / _MINUTE) * _MINUTE) for at in (start, end))
    days = f"{first.day} {first:%b}", f"{last.day} {last:%b}"
    if end - start >= 7 * _DAY:
        years = (f" {first.year}", f" {last.year}") if first.year != last.year else ("", "")
        return f"{days[0]}{years[0]} to {days[1]}{years[1]} UTC"
    later = f"{last:%H:%M}" if first.date() == last.date() else f"{days[1]} {last:%H:%M}"
    return f"{days[0]} {first:%H:%M} to {later} UTC"


def _rounds(start: float, end: float, step: int) -> Iterator[float]:
    at = math.ceil(start / step) * step
    while at <= end:
        yield at
        at += step


def _time(at: float, step: int) -> str:
    when = _date(at)
    if step < _DAY and when.hour + when.minute:
        return f"{when:%H:%M}"
    return f"{when:%b %Y}" if step >= 90 * _DAY else f"{when.day} {when:%b}"


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)


def _size(most: float, unit: str) -> float:
    """What people count in where values are that large, in the unit: minutes of seconds, megabytes of bytes."""
    if unit == "s":
        return 1.0 if most < 2 * _MINUTE else _MINUTE if most < 2 * _HOUR else _HOUR
    return 1.0


def _step(least: float, counted: bool) -> float:
    """The least round number that isn't less; a whole one where things are counted."""
    if not least:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    step = next(one * power for one in _STEPS if one * power >= least * (1 - 1e-9))
    return max(1.0, math.ceil(step)) if counted else step


def _is_count(unit: str) -> bool:
    return unit.startswith("{") and "/" not in unit
