"""A leak is told from load, from a cache that fills and from a deploy: how often that is right, and what it says."""

from __future__ import annotations

from random import Random

import pytest

from whisperwatch.watcher.insight.leak import leak

from . import synthetic
from .synthetic import DAY, HOUR, MB

_SEEDS = range(5000, 5200)


def test_leaking_processes_are_found() -> None:
    right, off = 0, []
    for seed in _SEEDS:
        points, restarts, a_day = synthetic.leaking(Random(seed))
        found = leak(points, HOUR, restarts)
        if found.verdict == "leaks":
            right += 1
            assert found.a_day is not None
            off.append(abs(found.a_day / a_day - 1))
    assert right >= 0.95 * len(_SEEDS)
    assert sorted(off)[len(off) * 9 // 10] < 0.15  # nine in ten growths a day


def test_busy_processes_are_let_alone() -> None:
    verdicts = [
        leak(points, HOUR, restarts).verdict for points, restarts in map(synthetic.busy, map(Random, _SEEDS))
    ]
    assert verdicts.count("no leak") >= 0.95 * len(_SEEDS)
    assert verdicts.count("leaks") <= 0.02 * len(_SEEDS)


def memory(days: float, a_day: float = 0.0) -> synthetic.Points:
    noise = synthetic.white(Random(1), round(days * DAY))
    return [200 * MB + a_day * at / DAY + value * MB for at, value in enumerate(noise)]


def test_what_it_says_of_a_leak() -> None:
    found = leak(memory(7, 20 * MB), HOUR)
    assert (found.verdict, found.reason, found.days) == (
        "leaks", "the lows of its days have risen all along, for 7 days", 7.0,
    )  # fmt: skip
    assert found.a_day == pytest.approx(20 * MB, rel=0.05)


@pytest.mark.parametrize("points", [[], [None] * 200, memory(2.4, 50 * MB)])
def test_too_short_a_life_says_nothing(points: synthetic.Points) -> None:
    found = leak(points, HOUR)
    assert (found.verdict, found.a_day) == ("not known yet", None)


def test_restarts_that_nobody_tells_of() -> None:
    once = memory(4, 30 * MB)
    found = leak([*once, *once], HOUR)
    assert found.verdict == "leaks"
    assert found.a_day == pytest.approx(30 * MB, rel=0.1)


def test_a_run_that_grows_and_one_that_does_not() -> None:
    found = leak([*memory(4, 30 * MB), *memory(5)], HOUR, [4 * DAY])
    assert (found.verdict, found.reason) == ("not known yet", "it has grown in one run, and not in others")


def test_gaps_are_no_restarts() -> None:
    points = memory(7, 20 * MB)
    points[50:70] = [None] * 20
    assert leak(points, HOUR).verdict == "leaks"
