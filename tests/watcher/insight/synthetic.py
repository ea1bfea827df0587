"""Series as bots have them, of which what comes next is known: seasons, steps, trends, walks and noise, by a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

HOUR = 3600.0
DAY = 24
Points = list[float | None]


def white(random: Random, count: int) -> list[float]:
    return [random.gauss(0, 1) for _ in range(count)]


def autocorrelated(random: Random, count: int) -> list[float]:
    carried = random.uniform(0.5, 0.95)
    found, value = [], 0.0
    for _ in range(count):
        value = carried * value + random.gauss(0, math.sqrt(1 - carried**2))
        found.append(value)
    return found


def walk(random: Random, count: int) -> list[float]:
    found, value = [], 0.0
    for _ in range(count):
        value += random.gauss(0, 0.4)
        found.append(value)
    return found


def daily(random: Random, count: int) -> list[float]:
    height, second, turn = random.uniform(1.5, 8), random.uniform(0, 0.5), random.uniform(0, DAY)
    waves = [(at + turn) / DAY * 2 * math.pi for at in range(count)]
    return [height * (math.sin(wave) + second * math.sin(2 * wave)) for wave in waves]


def weekly(random: Random, count: int) -> list[float]:
    drop, first = random.uniform(2, 8), random.randrange(7)
    return [-drop if (at // DAY + first) % 7 >= 5 else 0.0 for at in range(count)]


def trend(random: Random, count: int) -> list[float]:
    rise = random.choice((-1, 1)) * random.uniform(3, 30) / count
    return [rise * at for at in range(count)]


def step(random: Random, count: int) -> list[float]:
    """It jumps before three quarters are over, where the past ends that forecasts are made of."""
    at, height = random.randrange(count // 5, count * 7 // 10), random.choice((-1, 1)) * random.uniform(6, 20)
    return [height if place >= at else 0.0 for place in range(count)]


Part = Callable[[Random, int], list[float]]
KINDS: dict[str, tuple[Part, ...]] = {
    "white noise": (white,),
    "autocorrelated noise": (autocorrelated,),
    "random walk": (walk,),
    "trend": (trend, white),
    "trend, autocorrelated": (trend, autocorrelated),
    "daily season": (daily, white),
    "daily season, trend": (daily, trend, white),
    "daily and weekly season": (daily, weekly, autocorrelated),
    "step": (step, white),
    "step, daily season": (step, daily, autocorrelated),
    "step, trend": (step, trend, white),
    "daily season, random walk": (daily, walk),
}


def series(kind: str, random: Random, weeks: int = 0) -> Points:
    """So many weeks by the hour, or one to four, of which some points may be missing."""
    count = 7 * DAY * (weeks or random.choice((1, 1, 2, 2, 4)))
    parts = [part(random, count) for part in KINDS[kind]]
    level = random.uniform(20, 80)
    missing = random.choice((0.0, 0.0, 0.03))
    return [None if random.random() < missing else level + sum(values) for values in zip(*parts, strict=True)]


MB = 1e6


def _process(random: Random, count: int) -> list[float]:
    """Resident memory of a process that does nothing wrong, with its noise."""
    base, noise = random.uniform(80, 600) * MB, random.uniform(0.003, 0.02)
    return [base * (1 + value * noise) for value in autocorrelated(random, count)]


def _load(random: Random, count: int, base: float) -> list[float]:
    """What a day's conversations take, and less at weekends; no day is like the other."""
    share, first = random.uniform(0.05, 0.5), random.randrange(7)
    days = [
        random.uniform(0.7, 1.0) * (0.6 if (day + first) % 7 >= 5 else 1.0) for day in range(count // DAY + 2)
    ]
    turn = random.uniform(0, DAY)
    return [
        base * share * days[int((at + turn) // DAY)] * max(0.0, math.sin((at + turn) / DAY * 2 * math.pi))
        for at in range(count)
    ]


def _grows(random: Random, count: int, base: float) -> list[float]:
    a_day = math.exp(random.uniform(math.log(0.02), math.log(0.3))) * base
    return [a_day * at / DAY for at in range(count)]


def _sawtooth(random: Random, count: int, base: float) -> list[float]:
    """What piles up until a garbage collector, or a log's rotation, takes it away."""
    every, height = random.randrange(3, 20), random.uniform(0.05, 0.4) * base
    return [height * (at % every) / every for at in range(count)]


def leaking(random: Random) -> tuple[Points, list[int], float]:
    """A process that leaks: its memory by the hour, its restarts, and what it leaks a day."""
    count = DAY * random.choice((7, 7, 10, 14))
    base = _process(random, count)
    grown = _grows(random, count, base[0])
    a_day = grown[DAY]
    kind = random.choice(("plain", "load", "sawtooth", "restarts"))
    if kind == "load":
        base = [one + load for one, load in zip(base, _load(random, count, base[0]), strict=True)]
    if kind == "sawtooth":
        base = [one + tooth for one, tooth in zip(base, _sawtooth(random, count, base[0]), strict=True)]
    restarts: list[int] = []
    if kind == "restarts":
        every = random.randrange(3 * DAY, 5 * DAY)
        restarts = list(range(every, count, every))
        grown = [grown[at % every] for at in range(count)]
    return [one + more for one, more in zip(base, grown, strict=True)], restarts, a_day


def busy(random: Random) -> tuple[Points, list[int]]:
    """A process that doesn't leak, though it grows: its memory by the hour, and its restarts."""
    count = DAY * random.choice((7, 7, 10, 14))
    base = _process(random, count)
    of = base[0]
    kind = random.choice(("load", "warm-up", "cache", "exponential", "deploy", "sawtooth", "restarts"))
    more = _load(random, count, of) if random.random() < 0.5 or kind == "load" else [0.0] * count
    restarts: list[int] = []
    if kind == "warm-up":
        quick, height = random.uniform(2, 20), random.uniform(0.2, 1.5) * of
        more = [one + height * (1 - math.exp(-at / quick)) for at, one in enumerate(more)]
    if kind == "cache":
        full, height = random.uniform(0.1, 0.5) * count, random.uniform(0.2, 1.5) * of
        more = [one + height * min(1.0, at / full) for at, one in enumerate(more)]
    if kind == "exponential":
        slow, height = random.uniform(0.05, 0.16) * count, random.uniform(0.2, 1.5) * of
        more = [one + height * (1 - math.exp(-at / slow)) for at, one in enumerate(more)]
    if kind == "deploy":
        at_once, height = random.randrange(DAY, count - DAY), random.uniform(0.1, 0.8) * of
        more = [one + (height if at >= at_once else 0.0) for at, one in enumerate(more)]
        restarts = [at_once] if random.random() < 0.5 else []
    if kind == "sawtooth":
        more = [one + tooth for one, tooth in zip(more, _sawtooth(random, count, of), strict=True)]
    if kind == "restarts":
        every = random.randrange(3 * DAY, 5 * DAY)
        restarts = list(range(every, count, every))
        more = [one + 0.3 * of * min(1.0, at % every / 12) for at, one in enumerate(more)]
    return [one + on_top for one, on_top in zip(base, more, strict=True)], restarts
