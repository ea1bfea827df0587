"""The store at work: it commits, reads while it writes, makes room, and outlives a disk that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from whisperwatch import semconv
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.partitions import Database, Family
from whisperwatch.watcher.store.store import Store

from .conftest import FAMILY, Clock, Numbers, numbers_in, store_of


async def test_what_is_taken_is_committed(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1), (clock.now + 60, 2)]
    assert await store.write()
    assert await numbers_in(store) == [1, 2]
    assert numbers.written_ones == [[(clock.now, 1), (clock.now + 60, 2)]]
    assert (store.state.problem, store.state.written) == (None, clock.now)
    await store.stop()


async def test_stop_commits_what_is_left_and_tidies_up(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 7)]
    await store.stop()
    assert not path.with_name("store.db-wal").exists()
    with closing(sqlite3.connect(path)) as connection:
        (table,) = connection.execute("SELECT name FROM partitions").fetchone()
        assert connection.execute(f"SELECT value FROM {table}").fetchall() == [(7,)]


async def test_who_asks_during_a_commit_has_what_came_since(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    first = asyncio.create_task(store.write())
    await asyncio.sleep(0)
    numbers.waiting = [(clock.now, 2)]
    assert await store.write()
    assert await first
    assert await numbers_in(store) == [1, 2]
    await store.stop()


async def test_a_reader_sees_one_moment_while_it_is_written(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    await store.write()
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM partitions").fetchone() == (1,)
        numbers.waiting = [(clock.now + 60, 2)]
        assert await store.write()
        assert reader.execute("SELECT count(*) FROM partitions").fetchone() == (1,)
    assert await numbers_in(store) == [1, 2]
    await store.stop()


async def test_a_full_disk_is_said_and_outlived(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = Numbers()
    numbers.filling = b"x" * 50_000
    store = store_of(path, clock, numbers)
    await store.open()
    await store.do(lambda database: database.connection.execute("PRAGMA max_page_count = 20"))
    numbers.waiting = [(clock.now, number) for number in range(10)]
    assert not await store.write()
    assert "can't be written: database or disk is full" in str(store.state.problem)
    assert not await store.write()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]  # said once
    await store.do(lambda database: database.connection.execute("PRAGMA max_page_count = 100000"))
    assert await store.write()
    assert store.state.problem is None
    assert await numbers_in(store) == list(range(10))
    assert "is written again" in caplog.text
    await store.stop()


async def test_what_expired_makes_room_on_a_full_disk(path: Path, clock: Clock) -> None:
    """For the thinning of logs, which needs some."""
    clock.now *= 1000
    errors_s = [60 * 86_400.0]
    logs = Logs(lambda: 7 * 86_400.0, errors_s=lambda: errors_s[0])
    store = store_of(path, clock, logs)
    await store.open()
    store._tended = clock.now
    for age, count in ((20, 300), (40, 600)):
        at = int((clock.now - age * 86_400) * 1e9)
        logs.add((at + n, 17, "", "", "", f"error {n}", "", None, None, "", "", "{}") for n in range(count))
    assert await store.write()
    errors_s[0] /= 2
    await fill_up(store, 12)
    for _ in range(2):
        store._tended = float("-inf")
        assert await store.write()
    (left,) = await store.readers.run(lambda view: view.partitions(logs.families[0]))
    assert (left.start > clock.now - 22 * 86_400, left.settled) == (True, True)
    await store.stop()


async def test_what_expired_makes_room_for_what_waits(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    numbers.filling, numbers.keep_s = b"x" * 100_000, 600
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    await store.write()
    await fill_up(store, 12)
    clock.now += 1000
    numbers.waiting = [(clock.now, 2)]
    assert not await store.write()
    assert await store.write()
    assert await numbers_in(store) == [2]
    await store.stop()


async def test_room_is_made_though_a_signal_has_none_to_roll_up(path: Path, clock: Clock) -> None:
    class Full(Numbers):
        def tend(self, database: Database, now: float) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    full, numbers = Full("metrics", family=Family("b", 60, FAMILY.create)), Numbers()
    store = store_of(path, clock, full, numbers, most=300_000)
    await store.open()
    numbers.keep_s, numbers.filling = 600, b"x" * 100_000
    numbers.waiting = [(clock.now - 900, 1), *((clock.now + 60 * n, n) for n in range(2, 8))]
    assert not await store.write()
    assert "disk is full" in str(store.state.problem)
    left = await numbers_in(store)
    assert (left[0] > 2, left[-1]) == (True, 7)
    await store.stop()


async def test_what_cannot_be_opened_is_tried_again(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whisperwatch.watcher.store.store._OPEN_AGAIN_S", 0.0)
    blocked = tmp_path / "folder"
    blocked.touch()
    numbers = Numbers()
    store = store_of(blocked / "store.db", clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    assert not await store.write()
    assert store.state.problem is not None
    with pytest.raises(StoreError):
        await store.do(lambda database: None)
    blocked.unlink()
    assert await store.write()
    assert await numbers_in(store) == [1]
    await store.stop()


async def test_another_store_of_the_file_is_refused(path: Path, clock: Clock) -> None:
    first = store_of(path, clock, Numbers())
    await first.open()
    second = store_of(path, clock, Numbers())
    await second.open()
    assert f"is written by process {os.getpid()}" in str(second.state.problem)
    await second.stop()
    await first.stop()


async def test_a_file_that_is_damaged_while_it_is_written(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = Numbers()
    numbers.filling = b"x" * 3000
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, number) for number in range(200)]
    await store.write()
    await store.do(lambda database: None)
    await store.stop()
    damage(path)
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now + 120, 1)]
    await store.write()
    assert await store.write()
    assert await numbers_in(store) == [1]
    assert len(list(path.parent.glob("store.db.broken-*"))) >= 1
    await store.stop()


async def test_a_flood_makes_room_by_itself_alone(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The signal that is furthest over its share gives way, the oldest first, and it is said and counted."""
    quiet, flood = Numbers("metrics", 0.4), Numbers("logs", 0.25, Family("flood", 60, FAMILY.create))
    store = store_of(path, clock, quiet, flood, most=2_000_000)
    await store.open()
    quiet.filling = flood.filling = b"x" * 10_000
    quiet.waiting = [(clock.now + minute * 60, minute) for minute in range(30)]
    await store.write()
    for minute in range(60):
        flood.waiting = [(clock.now + minute * 60, minute)] * 10
        await store.write()
        store._tended = float("-inf")
    await store.write()
    assert await numbers_in(store) == list(range(30))
    left = await numbers_in(store, flood.families[0])
    assert left
    assert left[-1] == 59
    assert min(left) > 20
    assert store.state.size_bytes <= 2_000_000
    counted = [
        cell
        for metric in store._figures.instruments
        for cell in metric.cells
        if metric.name == semconv.SELF_STORE_DROPPED.name
    ]
    assert {cell.attributes[semconv.SIGNAL]: bool(cell.value and cell.value[0]) for cell in counted} == {
        "metrics": False,
        "logs": True,
    }
    assert "dropped to make room" in caplog.text
    await store.stop()
    assert size_of(path) < 3_000_000  # space is given back


async def test_what_expired_goes(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    numbers.keep_s = 600
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1), (clock.now + 900, 2)]
    clock.now += 1000
    await store.write()
    assert await numbers_in(store) == [2]
    await store.stop()


async def test_the_room_of_what_went_is_given_back_in_slices(path: Path, clock: Clock) -> None:
    numbers = Numbers()
    numbers.filling, numbers.keep_s = b"x" * 1_000, 600
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, number) for number in range(4_000)]
    await store.write()
    clock.now += 1000
    await store.write()
    (left,) = await store.do(lambda database: database.connection.execute("PRAGMA freelist_count").fetchone())
    clock.now += 15
    await store.write()
    (later,) = await store.do(
        lambda database: database.connection.execute("PRAGMA freelist_count").fetchone()
    )
    assert left > 600
    assert later == left - 256
    await store.stop()


async def test_a_signal_that_breaks_takes_nothing_from_the_others(path: Path, clock: Clock) -> None:
    class Broken(Numbers):
        def take(self) -> object:
            raise RuntimeError("no")

    numbers = Numbers()
    store = store_of(path, clock, Broken("metrics", family=Family("b", 60, FAMILY.create)), numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    assert await store.write()
    assert await numbers_in(store) == [1]
    await store.stop()


async def test_what_cannot_be_written_is_left_out(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and what the others have is committed."""

    class Broken(Numbers):
        def write(self, database: Database, taken: object) -> None:
            raise ValueError("no number")

    numbers = Numbers()
    broken = Broken("metrics", family=Family("b", 60, FAMILY.create))
    store = store_of(path, clock, broken, numbers)
    await store.open()
    broken.waiting, numbers.waiting = [(clock.now, 1)], [(clock.now, 2)]
    assert await store.write()
    assert await numbers_in(store) == [2]
    assert "some metrics can't be kept" in caplog.text
    numbers.waiting = [(clock.now, 3)]
    assert await store.write()
    assert await numbers_in(store) == [2, 3]
    await store.stop()


class TestReaders:
    async def test_a_long_question_is_interrupted(self, path: Path, clock: Clock) -> None:
        store = await opened(path, clock)
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        with pytest.raises(StoreError, match=r"took longer than 0\.05 s"):
            await store.readers.run(lambda view: view.connection.execute(endless).fetchone(), 0.05)
        task = asyncio.create_task(
            store.readers.run(lambda view: view.connection.execute(endless).fetchone())
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await numbers_in(store) == [1]
        await store.stop()

    async def test_what_is_wrong_with_a_question_is_said(self, path: Path, clock: Clock) -> None:
        store = await opened(path, clock)
        with pytest.raises(StoreError, match="no such table: nowhere"):
            await store.readers.run(lambda view: view.connection.execute("SELECT * FROM nowhere"))
        await store.stop()

    async def test_many_at_once(self, path: Path, clock: Clock) -> None:
        store = await opened(path, clock)
        assert await asyncio.gather(*[numbers_in(store) for _ in range(20)]) == [[1]] * 20
        await store.stop()


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


async def fill_up(store: Store, pages: int) -> None:
    """Leave so many to write."""
    await store.do(
        lambda database: database.connection.execute(
            f"PRAGMA max_page_count = {database.connection.execute('PRAGMA page_count').fetchone()[0] + pages}"
        )
    )


def size_of(path: Path) -> int:
    return path.stat().st_size


async def opened(path: Path, clock: Clock) -> Store:
    numbers = Numbers()
    store = store_of(path, clock, numbers)
    await store.open()
    numbers.waiting = [(clock.now, 1)]
    await store.write()
    return store
