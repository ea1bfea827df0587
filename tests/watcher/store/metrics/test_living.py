"""Whoever is gone for longer than anything is kept leaves nothing behind; who lives on keeps all."""

from __future__ import annotations

from dataclasses import replace

from whisperwatch.watcher.query.embedded.metrics import answer
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.store.metrics import Identity, Keep, Sample, Taken
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.transactions import transaction

from .model import Process, World
from .test_model import KNOWN, SERIES, START, world

DAY = 86_400
COUNTER = SERIES[0]


def rows(of: World, table: str) -> int:
    (count,) = of.database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def day(of: World, number: int, process: Process, identity: Identity) -> None:
    at = START + number * DAY
    of.take(at, [process], [(process, identity, 1)])
    of.tend(at)


def test_series_of_nobody_go_with_their_points() -> None:
    with world(Keep(coarse_s=30 * DAY)) as found:
        for number in range(120):  # each day another release, with another attribute
            identity = replace(COUNTER, attributes=(("a", f"release {number}"),))
            day(found, number, Process("one", number + 1), identity)
        for table in ("series", "births", "lives", "totals"):
            assert 30 <= rows(found, table) <= 45, table
        end = START + 119 * DAY
        found.tend(end + 7200)
        grid = Grid(end, end, 30 * DAY, 30 * DAY)
        series = answer(View(found.database.connection), Measure("increase", "c"), KNOWN["c"], grid)
        assert [value for one in series for _, value in one.points] == [30.0]


def test_metrics_of_nobody_are_not_known_any_more() -> None:
    with world(Keep(coarse_s=DAY)) as found:
        day(found, 0, Process("one", 1), replace(COUNTER, metric="old"))
        day(found, 40, Process("one", 2), COUNTER)
        assert found.database.connection.execute("SELECT name FROM metrics").fetchall() == [("c",)]


def test_who_lives_on_is_counted_on() -> None:
    """Also what it counted once and never since: another watcher must not count it again."""
    with world(Keep(coarse_s=DAY)) as found:
        process, rare = Process("one", 1), SERIES[1]
        found.take(START + 15, [process], [(process, rare, 5), (process, COUNTER, 1)])
        at = START + 15
        while at < START + 15 * DAY:
            at += 21_600
            found.take(at, [process], [(process, COUNTER, 1)])
            found.tend(at)
        assert rows(found, "series") == 2
        again = World(found.database, Keep())
        again.take(at + 15, [process], [(process, rare, 0)])
        counted = found.database.connection.execute(
            "SELECT count(*) FROM journal WHERE series = 1"
        ).fetchone()
        assert counted == (0,)


def test_a_series_that_comes_again_after_it_was_removed_is_written() -> None:
    with world(Keep(coarse_s=DAY)) as found:
        day(found, 0, Process("one", 1), COUNTER)
        day(found, 30, Process("one", 2), SERIES[1])
        assert rows(found, "series") == 1
        day(found, 31, Process("one", 3), COUNTER)
        end = START + 31 * DAY
        measure = Measure("increase", "c", (), ("a",))
        (series,) = answer(View(found.database.connection), measure, KNOWN["c"], Grid(end, end, 15, 15))
        assert (series.group, series.points) == ({"a": dict(COUNTER.attributes)["a"]}, ((end, 1.0),))


def test_of_many_processes_the_last_are_remembered() -> None:
    with world() as found:
        for number in range(100):
            taken = Taken(START + number, (Sample(COUNTER, number + 1, (1,), number + 1),), frozenset())
            with transaction(found.database):
                found.metrics.write(found.database, taken)
        found.tend(START + 7200)
        remembered = found.database.connection.execute("SELECT min(start), count(*) FROM totals").fetchone()
        assert remembered == (85, 16)
