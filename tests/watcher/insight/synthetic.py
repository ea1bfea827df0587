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


def series(kind: str, random: Random) -> Points:
    """One to four weeks by the hour, of which some points are missing."""
    count = 7 * DAY * random.choice((1, 1, 2, 2, 4))
    parts = [part(random, count) for part in KINDS[kind]]
    level = random.uniform(20, 80)
    missing = random.choice((0.0, 0.0, 0.03))
    return [None if random.random() < missing else level + sum(values) for values in zip(*parts, strict=True)]
