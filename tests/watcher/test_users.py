"""Active users, counted in a real table."""

from __future__ import annotations

import logging
import sqlite3

import pytest

from whisperwatch.semconv import USERS_ACTIVE
from whisperwatch.state import hash_id
from whisperwatch.watcher import users as watched
from whisperwatch.watcher.users import ActiveUsers

DAY = 86_400


class Stream:
    def __init__(self):
        self.values = {}

    def set(self, metric, value, attributes):
        assert metric is USERS_ACTIVE
        self.values[attributes["bot.users.window"]] = value


@pytest.fixture
def stream():
    return Stream()


@pytest.fixture
def clock():
    return [20_000.5 * DAY]


@pytest.fixture
def count(tmp_path, stream, clock):
    opened = []

    def opening(file=tmp_path / "users.db"):
        opened.append(ActiveUsers(file, lambda user: hash_id(b"k" * 32, user), stream, now=lambda: clock[0]))
        return opened[-1]

    yield opening
    for users in opened:
        users._table.close()


def test_each_user_once_a_window(count, stream, clock):
    users = count()
    users.collect()
    assert stream.values == {"day": 0, "week": 0, "month": 0}
    users.saw([1, 2, 2, "no id", None])
    users.collect()
    clock[0] += DAY
    users.saw([2, 3])
    users.collect()
    assert stream.values == {"day": 2, "week": 3, "month": 3}
    clock[0] += 6 * DAY
    users.collect()
    assert stream.values == {"day": 0, "week": 2, "month": 3}
    clock[0] += 30 * DAY
    users.collect()
    assert stream.values == {"day": 0, "week": 0, "month": 0}


def test_another_watcher_goes_on_counting(count, stream):
    users = count()
    users.saw([1])
    users.close()
    again = count()
    again.saw([2])
    again.collect()
    assert stream.values["day"] == 2


def test_no_id_is_kept_and_nobody_else_can_read(count, tmp_path):
    users = count()
    users.saw([80351110224678912])
    users.close()
    file = tmp_path / "users.db"
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"80351110224678912" not in file.read_bytes()
    (kept,) = sqlite3.connect(file).execute("SELECT user FROM active_users").fetchone()
    assert kept == hash_id(b"k" * 32, 80351110224678912)


def test_without_a_place_it_counts_in_memory(count, stream, tmp_path, caplog):
    for file in (None, tmp_path / "missing" / "users.db"):
        users = count(file)
        users.saw([1])
        users.collect()
        assert stream.values["day"] == 1
    assert "can't be used" in caplog.text


def test_a_table_that_breaks_is_left(count, stream, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    users = count()
    users.saw([1])
    users._table.execute("DROP TABLE active_users")
    users.collect()
    assert "fails" in caplog.text
    users.collect()
    assert stream.values["day"] == 1


def test_who_waits_is_bounded(count, monkeypatch):
    monkeypatch.setattr(watched, "_MOST_WAITING", 2)
    users = count()
    users.saw([1, 2, 3])
    assert len(users._waiting) == 2
