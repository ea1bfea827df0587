"""Whatever a bot does (restarts, gaps, silence) and whatever is asked of it: the store answers as a plain list does.

Over slots, over what is rolled up by five minutes and by the hour, and over the seams between them.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, given, settings

from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.embedded.metrics import answer
from whisperwatch.watcher.query.language import Grid, Match, Measure
from whisperwatch.watcher.query.language.measures import KINDS
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.metrics import Identity, Keep, Sample, Taken
from whisperwatch.watcher.store.metrics.points import COARSE, FINE, LEVELS, SCHEMA
from whisperwatch.watcher.store.metrics.writing import Journal
from whisperwatch.watcher.store.partitions import Database, View

from .model import BOUNDS, Process, World

START = 1_000_000_800 // 3600 * 3600
SERIES = tuple(
    Identity(metric, kind, "1", BOUNDS if kind == "histogram" else (), instance, (("a", a), ("b", "x")))
    for metric, kind in (("c", "counter"), ("g", "gauge"), ("h", "histogram"))
    for instance in ("one", "two")
    for a in ("1", "2")
)  # fmt: skip
KNOWN = {
    "c": Known("c", "counter", "1", None),
    "g": Known("g", "gauge", "1", None),
    "h": Known("h", "histogram", "1", None, BOUNDS),
}


@contextmanager
def world(keep: Keep = Keep()) -> Iterator[World]:  # noqa: B008
    with tempfile.TemporaryDirectory() as folder:
        connection = open_to_write(Path(folder) / "store.db", SCHEMA)
        connection.execute("PRAGMA synchronous=OFF")
        try:
            yield World(Database(connection), keep)
        finally:
            connection.close()


def live(of: World, chance: random.Random, slots: int, turn_s: int = 15) -> int:
    """Let two bots live for so many slots; the end of the last one."""
    processes = [Process("one", 1), Process("two", 2)]
    down: set[int] = set()
    end = START
    for slot in range(slots):
        end = START + (slot + 1) * turn_s
        if chance.random() < 0.02:
            place = chance.randrange(2)
            down ^= {place}
            if place not in down:
                processes[place] = Process(processes[place].instance, slot + 10)
        alive = [process for place, process in enumerate(processes) if place not in down]
        changes = []
        for process in alive:
            for identity in SERIES:
                if identity.instance == process.instance:
                    if identity.kind == "gauge":
                        if identity in process.values or chance.random() < 0.3:
                            changes.append((process, identity, round(chance.uniform(-5, 5), 3)))
                    elif chance.random() < 0.2:
                        some_of = tuple(round(chance.uniform(0, 6), 3) for _ in range(chance.randrange(1, 4)))
                        changes.append(
                            (process, identity, some_of if identity.kind == "histogram" else len(some_of))
                        )
        of.take(end - chance.choice((0.0, 0.5, 14.0)), alive, changes)
        if chance.random() < 0.3:
            of.tend(end)
    return end


@some.composite
def questions(
    draw: some.DrawFn, steps: tuple[int, ...], end: int, later: tuple[int, ...] = (0,)
) -> tuple[Measure, Grid]:
    """`later`: so many seconds after a step's end the times of the grid may be."""
    metric = draw(some.sampled_from(("c", "g", "h")))
    functions = [name for name, kinds in KINDS.items() if KNOWN[metric].kind in kinds]
    function = draw(some.sampled_from(functions))
    by = draw(
        some.lists(some.sampled_from(("a", "b", "service.instance.id", "none")), max_size=2, unique=True)
    )
    match = some.builds(
        Match, some.sampled_from(("a", "service.instance.id", "none")),
        some.lists(some.sampled_from(("1", "2", "one", "")), min_size=1, max_size=2, unique=True).map(tuple),
        some.booleans(),
    )  # fmt: skip
    where = draw(some.lists(match, max_size=1))
    share = draw(some.sampled_from((0.1, 0.5, 0.95, 1.0))) if function == "quantile" else None
    step = draw(some.sampled_from(steps))
    window = step * draw(some.sampled_from((1, 2, 3)))
    count = draw(some.integers(1, 8))
    last = draw(some.integers(START // step + 1, end // step + 1)) * step + draw(some.sampled_from(later))
    return Measure(function, metric, tuple(where), tuple(by), share), Grid(
        last - (count - 1) * step, last, step, window
    )


def agree(of: World, measure: Measure, grid: Grid) -> None:
    series = answer(View(of.database.connection), measure, KNOWN[measure.metric], grid)
    found = {(tuple(one.group.values()), at): value for one in series for at, value in one.points}
    assert found == pytest.approx(of.answer(measure, grid), rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=some.integers(0, 10**6), data=some.data())
def test_by_slots(seed: int, data: some.DataObject) -> None:
    with world() as found:
        end = live(found, random.Random(seed), 120)
        for _ in range(8):
            agree(found, *data.draw(questions((15, 45, 60, 180, 300, 900), end, (0, 0, 7, 60))))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=some.integers(0, 10**6), data=some.data())
def test_rolled_up(seed: int, data: some.DataObject) -> None:
    """What is older than half an hour has lost its slots, what is older than two hours its five minutes."""
    with world(Keep(raw_s=1800, fine_s=7200)) as found:
        end = live(found, random.Random(seed), 700)
        found.tend(end + 10)
        for _ in range(8):
            agree(found, *data.draw(questions((3600, 7200), end)))
        for _ in range(4):
            measure, grid = data.draw(questions((300, 600), end))
            if grid.start >= end - 3600:
                agree(found, measure, grid)


def test_one_window_over_all_levels() -> None:
    """By the hour in the middle, finer at both ends."""
    with world() as found:
        end = live(found, random.Random(3), 900)
        found.tend(end)
        for start in (START + 300, START + 1200, START):
            for last in (end, end - 45, end - 600):
                grid = Grid(last, last, last - start, last - start)
                if (last - start) % 15 == 0:
                    agree(found, Measure("increase", "c", (), ("a",)), grid)
                    agree(found, Measure("quantile", "h", (), (), 0.5), grid)
                    agree(found, Measure("max", "g"), grid)


def test_a_month_is_as_exact_as_an_hour() -> None:
    """Every five minutes for 30 days, by the hour at last: no count is lost, and the quantile is the same."""
    with world(Keep(raw_s=3600, fine_s=86_400)) as found:
        process, counter = Process("one", 1), SERIES[0]
        histogram = next(one for one in SERIES if one.kind == "histogram" and one.instance == "one")
        for turn in range(30 * 288):
            at = START + (turn + 1) * 300
            found.take(at, [process], [(process, counter, 7), (process, histogram, (0.2, 1.0, 3.0))])
            if turn % 12 == 0:
                found.tend(at)
        end = START + 30 * 86_400
        found.tend(end + 10)
        while found.metrics.expired(found.database, end):
            found.tend(end + 10)
        whole = Grid(end, end, 30 * 86_400, 30 * 86_400)
        view = View(found.database.connection)
        (series,) = answer(view, Measure("increase", "c"), KNOWN["c"], whole)
        assert series.points == ((end, 30 * 288 * 7.0),)
        (series,) = answer(view, Measure("quantile", "h", quantile=0.5), KNOWN["h"], whole)
        (hour,) = answer(view, Measure("quantile", "h", quantile=0.5), KNOWN["h"], Grid(end, end, 3600, 3600))
        assert series.points == hour.points == ((end, 1.0),)


def test_a_watcher_that_starts_after_days_rolls_up_before_it_drops() -> None:
    with world(Keep(raw_s=3600, fine_s=3600)) as found:
        process = Process("one", 1)
        for at in range(START + 15, START + 1200, 15):
            found.take(at, [process], [(process, SERIES[0], 5)])
        found.tend(START + 900)
        end = START + 5 * 86_400
        for turn in range(3):
            found.tend(end + turn * 15)
        assert not any(found.database.partitions(level.family) for level in LEVELS if level is not COARSE)
        whole = Grid(end, end, 5 * 86_400, 5 * 86_400)
        (series,) = answer(View(found.database.connection), Measure("increase", "c"), KNOWN["c"], whole)
        assert series.points == ((end, 79 * 5.0),)


class TestTheSameCellsAgain:
    def test_a_watcher_that_starts_again_counts_nothing_twice(self) -> None:
        with world() as found:
            process = Process("one", 1)
            found.take(START + 15, [process], [(process, SERIES[0], 5)])
            again = World(found.database, Keep())  # another watcher, to which the bot sends all cells
            again.take(START + 30, [process], [(process, SERIES[0], 0)])
            again.take(START + 45, [process], [(process, SERIES[0], 2)])
            assert counted(found, START + 60) == 7

    def test_another_start_counts_from_zero(self) -> None:
        with world() as found:
            first, second = Process("one", 1), Process("one", 2)
            found.take(START + 15, [first], [(first, SERIES[0], 5)])
            found.take(START + 30, [second], [(second, SERIES[0], 6)])
            assert counted(found, START + 60) == 11

    def test_what_was_rolled_back_is_written_again(self) -> None:
        with world() as found:
            process = Process("one", 1)
            found.take(START + 15, [process], [(process, SERIES[0], 5)])
            connection = found.database.connection
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON totals BEGIN SELECT raise(ABORT, 'full'); END"
            )
            with pytest.raises(sqlite3.Error, match="full"):
                found.take(START + 30, [process], [(process, SERIES[0], 2)])
            connection.execute("DROP TRIGGER full")
            found.take(START + 45, [process], [(process, SERIES[0], 1)])
            assert counted(found, START + 60) == 8

    def test_a_clock_that_is_set_back_adds_to_nothing_that_is_rolled_up(self) -> None:
        with world() as found:
            process = Process("one", 1)
            found.take(START + 15, [process], [(process, SERIES[0], 5)])
            found.tend(START + 700)
            found.take(START + 30, [process], [(process, SERIES[0], 2)])
            found.tend(START + 1300)
            assert counted(found, START + 1200) == 7


def test_who_outlives_another_of_its_instance_keeps_only_its_own_series_alive() -> None:
    """The watcher's own figures are of the bot's instance, and go on when the bot has ended."""
    with world() as found:
        bot, own = Process("one", 1), Process("one", 2)
        found.take(START + 15, [bot, own], [(bot, SERIES[0], 5), (own, SERIES[1], 1)])
        for slot in range(2, 20):
            found.take(START + slot * 15, [own], [(own, SERIES[1], 1)])
        grid = Grid(START + 285, START + 285, 60, 60)
        measure = Measure("increase", "c", (), ("a",))
        agree(found, measure, grid)
        series = answer(View(found.database.connection), measure, KNOWN["c"], grid)
        assert [dict(one.group) for one in series] == [{"a": dict(SERIES[1].attributes)["a"]}]


def counted(of: World, end: int) -> float:
    grid = Grid(end, end, end - START, end - START)
    (series,) = answer(View(of.database.connection), Measure("increase", "c"), KNOWN["c"], grid)
    return series.points[0][1]


def test_a_crash_in_the_middle_of_rolling_up_loses_nothing() -> None:
    """Each step is a transaction: wherever it ends, the next turn goes on there."""
    with world() as found:
        end = live(found, random.Random(11), 400)
        connection = found.database.connection
        for table in ("points_fine", "points_coarse"):
            for (name,) in connection.execute(
                f"SELECT name FROM partitions WHERE family = '{table}'"
            ).fetchall():
                connection.execute(
                    f"CREATE TRIGGER full_{name} BEFORE INSERT ON {name} BEGIN SELECT raise(ABORT, 'full'); END"
                )
        with pytest.raises(sqlite3.Error):
            found.tend(end + 7200)
        with pytest.raises(sqlite3.Error):
            found.tend(end + 7200)
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        found.tend(end + 7200)
        grid = Grid(end, end, end - START, end - START)
        agree(found, Measure("increase", "c", (), ("a", "service.instance.id")), grid)
        agree(found, Measure("sum", "h"), grid)


def test_between_two_slots_the_newest_value_is_the_earlier_one() -> None:
    """In the journal, and where it has been rolled up."""
    with world() as found:
        bot = Process("one", 1)
        gauges = [one for one in SERIES if one.kind == "gauge" and one.instance == "one"]
        for slot in range(1, 400):
            values = [(bot, one, float(slot * place)) for place, one in enumerate(gauges, 1)]
            found.take(START + slot * 15, [bot], values)
        for _ in range(2):
            for last in (START + 399 * 15 - 1, START + 3600 + 7, START + 607):
                agree(found, Measure("last", "g", (), ("a",)), Grid(last - 60, last, 15, 15))
            found.tend(START + 400 * 15 + 300)


def test_a_late_value_does_not_take_the_place_of_a_newer_one() -> None:
    """Before it is rolled up, and after."""
    with world() as found:
        bot = Process("one", 1)
        gauge = next(one for one in SERIES if one.kind == "gauge")
        for slot in (*range(1, 41), *range(42, 81)):
            found.take(START + slot * 15, [bot], [(bot, gauge, float(slot))])
        found.tend(START + 80 * 15 + 10)
        for slot, value in ((41, 41.0), (30, 300.0)):  # a slot that has none, and one that has
            found.take(START + slot * 15, [bot], [(bot, gauge, value)])
        grid = Grid(START + 450, START + 720, 15, 15)
        answers = []
        for _ in range(2):
            (series,) = answer(View(found.database.connection), Measure("last", "g"), KNOWN["g"], grid)
            answers.append(dict(series.points))
            found.tend(START + 81 * 15 + 310)
        assert answers[0] == answers[1]
        assert answers[0] == {START + slot * 15: float(slot) for slot in range(30, 49)}


def test_histograms_of_other_bounds_are_one_distribution() -> None:
    """What is at most a bound is summed by bound: another release may measure otherwise."""
    with world() as found:
        at = START + 15
        for instance, bounds, counts in (("one", (1.0, 2.0), (4, 0, 2)), ("two", (2.0, 4.0), (6, 4, 0))):
            identity = Identity("h", "histogram", "1", bounds, instance, ())
            sample = Sample(identity, 1, (sum(counts), 9.0, None, None, counts), 1)
            Journal().write(found.database, Taken(at, (sample,), frozenset({(instance, 1)})))
        for share, value in ((0.25, 1.0), (0.5, 1.0 + 4 / 6), (0.75, 4.0)):
            measure = Measure("quantile", "h", (), (), share)
            (series,) = answer(View(found.database.connection), measure, KNOWN["h"], Grid(at, at, 15, 15))
            assert series.points == ((at, pytest.approx(value)),)


@pytest.mark.parametrize("every_s", [900, 1800, 3600, 7200, 21_600])
def test_series_that_lived_briefly_and_counted_seldom(every_s: int) -> None:
    """However many points of a bin there are."""
    with world(Keep(raw_s=1800, fine_s=20_000)) as found:
        dice, end = random.Random(every_s), START + 43_200
        for place in range(4):
            process = Process("one" if place % 2 else "two", place)
            born = START + place * 10_000
            for slot in range(1, 200):
                some_of = [one for one in SERIES if one.instance == process.instance and dice.random() < 0.05]
                changes = [
                    (process, one, {"counter": 2, "gauge": float(slot), "histogram": (1.5,)}[one.kind])
                    for one in some_of
                ]
                found.take(born + slot * 15, [process], changes)
        found.tend(end)
        grid = Grid(START + 21_600, end, every_s, 21_600)
        for measure in (
            Measure("increase", "c", (), ("a",)), Measure("avg", "g"), Measure("max", "g", (), ("a",)),
            Measure("sum", "h"), Measure("quantile", "h", (), ("a",), 0.5),
        ):  # fmt: skip
            agree(found, measure, grid)


def test_an_hour_has_no_last_value_of_who_had_gone() -> None:
    """It is that of its last five minutes: an older one is nobody's."""
    with world(Keep(raw_s=1800, fine_s=3600)) as found:
        bot = Process("one", 1)
        gone, there = (one for one in SERIES if one.kind == "gauge" and one.instance == "one")
        for slot in range(1, 241):
            values = [(bot, there, float(slot)), *([(bot, gone, 7.0)] if slot < 200 else [])]
            found.take(START + slot * 15, [bot], values)
        for end in (START + 3610, START + 100 * 3600, START + 100 * 3600 + 15):
            found.tend(end)
        assert not found.database.partitions(FINE.family)
        grid = Grid(START + 3600, START + 3600, 3600, 3600)
        (series,) = answer(
            View(found.database.connection), Measure("last", "g", (), ("a",)), KNOWN["g"], grid
        )
        assert (series.group, series.points) == ({"a": "2"}, ((START + 3600, 240.0),))
