"""Clocks that jump and writes that come late: each count is in the slot of its time, once, whatever was rolled up."""

from __future__ import annotations

import random

import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from whisperwatch.watcher.query.embedded.metrics import answer
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.store.partitions import View

from .model import Process, World
from .test_model import KNOWN, SERIES, START, agree, world

COUNTED = tuple(one for one in SERIES if one.kind != "gauge" and one.instance == "one")


def counts(of: World, measure: Measure, grid: Grid) -> dict[int, float]:
    """Without the zeros: when a process with such a clock lived is anybody's guess."""
    series = answer(View(of.database.connection), measure, KNOWN[measure.metric], grid)
    return {at: value for one in series for at, value in one.points if value}


def same(of: World, measure: Measure, grid: Grid) -> None:
    wanted = {at: value for (_, at), value in of.answer(measure, grid).items() if value}
    assert counts(of, measure, grid) == pytest.approx(wanted, rel=1e-9)


@settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a smaller seed is no simpler
    suppress_health_check=list(HealthCheck),
)
@example(seed=144303)
@given(seed=some.integers(0, 10**6))
def test_nothing_is_lost_or_doubled(seed: int) -> None:
    chance = random.Random(seed)
    with world() as found:
        process = Process("one", 1)
        true = wrong = 0.0
        for _ in range(250):
            true += chance.choice((1.0, 14.0, 15.0, 40.0))
            if chance.random() < 0.03:
                wrong = chance.choice((0.0, 0.0, -400.0, -5400.0, 7200.0, 20_000.0))
            at = START + 30_000 + true + wrong
            lag = chance.choice((0.0, 0.0, 0.0, 20.0, 700.0, 4000.0))  # the disk was full since then
            some_of = [one for one in COUNTED if chance.random() < 0.4]
            changes = [(process, one, (0.2, 3.0) if one.kind == "histogram" else 3) for one in some_of]
            found.take(at - lag, [process], changes)
            if chance.random() < 0.4:
                found.tend(at)
            if chance.random() < 0.05:
                found.tend(at)
                for step, window in ((60, 60), (300, 300), (3600, 7200)):
                    last = int(at) // step * step  # nobody asks for the future
                    same(found, Measure("increase", "c"), Grid(last - 12 * step, last, step, window))
        end = START + 30_000 + 40 * 3600
        for now in (end, START + 30_000 + true, end + 3600):  # rolled up, set back, and on
            found.tend(now)
            last = int(now) // 3600 * 3600
            for step in (300, 3600):  # minutes and slots are dropped meanwhile
                grid = Grid(last - (last - START) // step * step + step, last, step, step)
                same(found, Measure("increase", "c"), grid)
                same(found, Measure("sum", "h"), grid)
                same(found, Measure("quantile", "h", quantile=0.9), grid)
        agree(found, Measure("increase", "c", (), ("a",)), Grid(end, end, end - START, end - START))


def test_a_clock_that_was_ahead_hides_nothing_of_what_comes_then() -> None:
    """A machine whose clock is set to local time boots two hours ahead, until the network tells it the time."""
    with world() as found:
        process = Process("one", 1)
        found.tend(START + 7200)
        found.take(START + 7200, [process], [(process, SERIES[0], 1)])
        found.take(START + 15, [process], [(process, SERIES[0], 2)])
        grid = Grid(START + 300, START + 300, 300, 300)
        for _ in range(2):
            assert counts(found, Measure("increase", "c"), grid) == {START + 300: 2.0}
            found.tend(START + 15)


def test_gauges_come_late_too() -> None:
    """The newest is the newest of its time, not the one that came last."""
    with world() as found:
        process, gauge = Process("one", 1), next(one for one in SERIES if one.kind == "gauge")
        for slot, value in ((20, 1.0), (19, 7.0), (1, -3.0)):
            found.take(START + slot * 15, [process], [(process, gauge, value)])
            found.tend(START + 7300)
        hour = Grid(START + 3600, START + 3600, 3600, 3600)
        agree(found, Measure("avg", "g"), hour)
        agree(found, Measure("max", "g"), hour)
        agree(found, Measure("min", "g"), hour)
        agree(found, Measure("last", "g"), Grid(START + 300, START + 300, 15, 15))


def test_a_late_write_is_in_the_answer_before_it_is_rolled_up() -> None:
    with world() as found:
        process = Process("one", 1)
        found.take(START + 15, [process], [(process, SERIES[0], 1)])
        found.tend(START + 7300)
        found.take(START + 30, [process], [(process, SERIES[0], 2)])
        for window in (300, 3600):
            grid = Grid(START + window, START + window, window, window)
            assert counts(found, Measure("increase", "c"), grid) == {START + window: 3.0}
