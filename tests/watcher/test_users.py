"""Active users, counted in a real store."""

from __future__ import annotations

import sqlite3

import pytest

from whisperwatch.semconv import USERS_ACTIVE, USERS_BEFORE, USERS_RETURNED
from whisperwatch.state import hash_id
from whisperwatch.watcher import users as watched
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.users import ActiveUsers

DAY = 86_400


class Stream:
    def __init__(self):
        self.values, self.before, self.returned = {}, {}, {}

    def set(self, metric, value, attributes):
        found = {USERS_ACTIVE: self.values, USERS_BEFORE: self.before, USERS_RETURNED: self.returned}[metric]
        found[attributes["bot.users.window"]] = value


@pytest.fixture
def stream():
    return Stream()


@pytest.fixture
def clock():
    return [20_000.5 * DAY]


@pytest.fixture
async def store(tmp_path):
    made = Store(tmp_path / "store.db", (), lambda: 10**9, LocalStream({}))
    await made.open()
    yield made
    await made.stop()


@pytest.fixture
def count(store, stream, clock):
    def counting(where=store, **more):
        return ActiveUsers(where, lambda user: hash_id(b"k" * 32, user), stream, now=lambda: clock[0], **more)

    return counting


@pytest.mark.parametrize("kept", [True, False], ids=["in the store", "nowhere"])
async def test_each_user_once_a_window(count, store, stream, clock, kept):
    users = count(store if kept else None)
    await users.collect()
    assert stream.values == {"day": 0, "week": 0, "month": 0}
    users.saw([1, 2, 2, "no id", None])
    await users.collect()
    clock[0] += DAY
    users.saw([2, 3])
    await users.collect()
    assert stream.values == {"day": 2, "week": 3, "month": 3}
    clock[0] += 6 * DAY
    await users.collect()
    assert stream.values == {"day": 0, "week": 2, "month": 3}
    clock[0] += 30 * DAY
    await users.collect()
    assert stream.values == {"day": 0, "week": 0, "month": 0}


@pytest.mark.parametrize("kept", [True, False], ids=["in the store", "nowhere"])
async def test_who_came_back(count, store, stream, clock, kept):
    """Of complete days: today's users say nothing yet."""
    users = count(store if kept else None)
    for seen in ([1, 2, 3], [2, 3, 4, 4], [3]):
        users.saw(seen)
        await users.collect()
        clock[0] += DAY
    clock[0] -= DAY
    await users.collect()
    assert (stream.before, stream.returned) == ({"day": 3, "week": 0}, {"day": 2, "week": 0})
    clock[0] += DAY
    users.saw([5])
    await users.collect()
    assert (stream.before, stream.returned) == ({"day": 3, "week": 0}, {"day": 1, "week": 0})
    clock[0] += 6 * DAY  # a week ago there were 1 to 4, and since then 3 (on its last day) and 5
    await users.collect()
    assert (stream.before["week"], stream.returned["week"]) == (4, 1)
    assert (stream.before["day"], stream.returned["day"]) == (0, 0)


async def test_another_watcher_goes_on_counting(count, stream):
    users = count()
    users.saw([1])
    await users.collect()
    again = count()
    again.saw([2])
    await again.collect()
    assert stream.values["day"] == 2


async def test_no_id_is_kept(count, store, tmp_path):
    users = count()
    users.saw([80351110224678912])
    await users.collect()
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert b"80351110224678912" not in raw
    (kept,) = await store.do(
        lambda database: database.connection.execute("SELECT user FROM active_users").fetchone()
    )
    assert kept == hash_id(b"k" * 32, 80351110224678912)


async def test_what_an_older_watcher_kept_is_taken_over(count, stream, clock, tmp_path):
    older = tmp_path / "users.db"
    today = int(clock[0] // DAY)
    with sqlite3.connect(older) as table:
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("CREATE TABLE active_users (day INTEGER, user TEXT, PRIMARY KEY (day, user))")
        rows = [(today, hash_id(b"k" * 32, 1)), (today - 3, "x"), (today - 50, "y")]
        table.executemany("INSERT INTO active_users VALUES (?, ?)", rows)
    table.close()
    users = count(older=older)
    users.saw([1, 2])
    await users.collect()
    assert stream.values == {"day": 2, "week": 3, "month": 3}
    assert not list(tmp_path.glob("users.db*"))


async def test_an_older_table_that_cannot_be_read_is_left_out(count, stream, tmp_path):
    older = tmp_path / "users.db"
    older.write_bytes(b"no database" * 1000)
    users = count(older=older)
    users.saw([1])
    await users.collect()
    assert stream.values["day"] == 1


async def test_a_store_that_fails_is_made_good_later(count, store, stream):
    await store.do(lambda database: database.connection.execute("ALTER TABLE active_users RENAME TO away"))
    users = count()
    users.saw([1])
    await users.collect()
    users.saw([2])
    await users.collect()
    assert stream.values["day"] == 2
    await store.do(lambda database: database.connection.execute("ALTER TABLE away RENAME TO active_users"))
    users.saw([3])
    await users.collect()
    assert stream.values["day"] == 3
    kept = await store.do(
        lambda database: database.connection.execute("SELECT count(*) FROM active_users").fetchone()
    )
    assert kept == (3,)
    assert users._unkept == {20_000: set()}


def test_who_waits_is_bounded(count, monkeypatch):
    monkeypatch.setattr(watched, "_MOST_WAITING", 2)
    users = count()
    users.saw([1, 2, 3])
    assert len(users._waiting) == 2
