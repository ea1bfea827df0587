"""What the journal takes: whatever a bot's own metrics have in them, and whoever says to be the same instance."""

from __future__ import annotations

import logging

import pytest

from whisperwatch.watcher.query.embedded.metrics import answer
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.records import Value
from whisperwatch.watcher.store.metrics import Identity, Keep, Sample, Taken
from whisperwatch.watcher.store.metrics.taken import pairs_of
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.transactions import transaction

from .model import Process, World
from .test_model import KNOWN, SERIES, START, world

COUNTER, OTHER = SERIES[0], SERIES[1]
GAUGE = Identity("g", "gauge", "1", (), "one", ())
WIDE = Identity("h", "histogram", "1", tuple(n + 0.5 for n in range(400)), "one", ())


def write(of: World, at: float, *samples: Sample) -> None:
    taken = Taken(at, samples, frozenset({("one", 1)}))
    with transaction(of.database):
        of.metrics.write(of.database, taken)
    of.metrics.written(taken)


def increase(of: World) -> list[float]:
    grid = Grid(START + 60, START + 60, 60, 60)
    found = answer(View(of.database.connection), Measure("increase", "c"), KNOWN["c"], grid)
    return [value for one in found for _, value in one.points]


@pytest.mark.parametrize(
    ("identity", "value"),
    [
        (OTHER, (float("nan"),)),
        (OTHER, (float("inf"),)),
        (OTHER, (10**400,)),
        (GAUGE, (float("nan"),)),
        (GAUGE, (float("-inf"),)),
        (GAUGE, ("text",)),
        (WIDE, (1, float("nan"), None, None, (1,) + (0,) * 400)),
        (WIDE, (2**80, 1.0, None, None, (2**80,) + (0,) * 400)),
        (WIDE, (1, 1.0, None, None, (-1,) + (0,) * 400)),
    ],
)
def test_what_cant_be_kept_costs_nothing_else(
    identity: Identity, value: Value, caplog: pytest.LogCaptureFixture
) -> None:
    with world() as found:
        with caplog.at_level(logging.WARNING):
            for turn in (1, 2):
                write(found, START + 15 * turn, Sample(identity, 1, value, 1), Sample(COUNTER, 1, (turn,), 1))
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            f"a value of {identity.metric} can't be kept, and is left out"
        ]
        again = World(found.database, Keep())  # and nobody trips over it later
        write(again, START + 45, Sample(COUNTER, 1, (5,), 1))
        again.tend(START + 7200)
        assert increase(again) == [5.0]


@pytest.mark.parametrize("value", [2**70, -(2**70), 2**63, 1e308])
def test_numbers_that_are_no_integers_of_sqlite(value: float) -> None:
    with world() as found:
        write(found, START + 15, Sample(GAUGE, 1, (value,), 1))
        grid = Grid(START + 15, START + 15, 15, 15)
        (series,) = answer(View(found.database.connection), Measure("last", "g"), KNOWN["g"], grid)
        assert series.points == ((START + 15, float(value)),)


def test_many_buckets() -> None:
    with world() as found:
        buckets = (0,) * 300 + (3,) + (0,) * 100
        write(found, START + 15, Sample(WIDE, 1, (3, 9.0, None, None, buckets), 1))
        measure, grid = Measure("quantile", "h", quantile=1.0), Grid(START + 3600, START + 3600, 3600, 3600)
        for _ in range(2):
            (series,) = answer(View(found.database.connection), measure, KNOWN["h"], grid)
            assert series.points == ((START + 3600, 300.5),)
            found.tend(START + 7200)


def test_texts_that_are_no_utf8() -> None:
    """Half an emoji, cut off by a bot, as an attribute's value."""
    with world() as found:
        identity = Identity("c", "counter", "1", (), "one", pairs_of({"mood": "\ud83d!", "zero": "a\0b"}))
        write(found, START + 15, Sample(identity, 1, (4,), 1))
        grid = Grid(START + 15, START + 15, 15, 15)
        measure = Measure("increase", "c", (), ("mood", "zero"))
        (series,) = answer(View(found.database.connection), measure, KNOWN["c"], grid)
        assert (series.group, series.points) == ({"mood": "?!", "zero": "a\0b"}, ((START + 15, 4.0),))


def test_two_processes_that_say_to_be_one_instance_count_each_for_itself() -> None:
    """The operator gave both one `service.instance.id`: their values come in turns."""
    with world() as found:
        first, second = Process("one", 1), Process("one", 2)
        for turn in range(6):
            if turn == 3:
                found.metrics = World(found.database, Keep()).metrics  # another watcher
            process, what = (second, 10) if turn % 2 else (first, 1)
            found.take(START + 5 + turn, [first, second], [(process, COUNTER, what)])
        assert increase(found) == [33.0]


def test_the_newest_of_what_is_left_by_the_hour() -> None:
    """The bot was off for longer than five minutes are kept: nothing finer is there."""
    with world(Keep(fine_s=86_400)) as found:
        process = Process("one", 1)
        for slot in range(1, 241):
            found.take(START + slot * 15, [process], [(process, SERIES[4], 7.0)])
        found.tend(START + 3700)
        found.tend(START + 10 * 86_400)
        grid = Grid(START + 3600, START + 7200, 3600, 3600)
        (series,) = answer(View(found.database.connection), Measure("last", "g"), KNOWN["g"], grid)
        assert series.points == ((START + 3600, 7.0),)
