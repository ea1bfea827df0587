"""Points: which slot a time is in, and which row of its partition a point is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import hypothesis.strategies as some
import pytest
from hypothesis import given, settings

from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.metrics.points import LEVELS, SCHEMA, Level, slot_of
from whisperwatch.watcher.store.partitions import SCHEMA as PARTITIONS
from whisperwatch.watcher.store.partitions import Database

levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.family.name)
DAY = 1_700_006_400


@pytest.mark.parametrize(
    ("at", "slot"), [(0.0, 0), (0.001, 15), (15.0, 15), (15.001, 30), (1e9 - 0.5, 1_000_000_005)]
)
def test_a_slot_is_known_by_its_end(at: float, slot: int) -> None:
    assert slot_of(at) == slot


@levels
def test_a_row_has_its_series_and_time(level: Level, tmp_path: Path) -> None:
    database = Database(open_to_write(tmp_path / "store.db", SCHEMA))
    end = DAY // level.family.length_s * level.family.length_s + level.family.length_s
    start = end - level.family.length_s
    table = database.table(level.family, start)
    points = {(series, t) for series in (1, 2, 70_000) for t in (start + level.step, end - level.step, end)}
    for series, t in points:
        database.connection.execute(f"INSERT INTO {table} (id) VALUES (?)", (level.id_of(series, t),))
    assert set(database.connection.execute(f"SELECT series, t FROM {table}")) == points
    database.connection.close()


@levels
@settings(deadline=None)
@given(some.data())
def test_what_is_within_a_time_is_of_that_time(level: Level, data: some.DataObject) -> None:
    length, at = level.family.length_s, DAY // level.family.length_s * level.family.length_s
    times = data.draw(some.sets(some.integers(1, level.slots).map(lambda slot: at + slot * level.step)))
    start, end = sorted(data.draw(some.tuples(*[some.integers(at - length, at + 2 * length)] * 2)))
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in PARTITIONS:
            connection.execute(statement)
        database = Database(connection)
        table = database.table(level.family, at)
        ids = [(level.id_of(series, t),) for series in (1, 2, 3) for t in times]
        connection.executemany(f"INSERT INTO {table} (id) VALUES (?)", ids)
        (partition,) = database.partitions(level.family)
        within = level.within("2", partition, start, end)
        found = connection.execute(f"SELECT series, t FROM {table} WHERE {within} ORDER BY id").fetchall()
    assert found == [(2, t) for t in sorted(times) if start < t <= end]
