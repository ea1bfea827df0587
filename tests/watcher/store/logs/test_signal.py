"""Logs wait, bounded; they age by the day; a user's can be taken out."""

from __future__ import annotations

import json
import random

import pytest

from whisperwatch.watcher.query.embedded.log_search import newest
from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.logs import Logs, thinning
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.transactions import transaction

DAY = 1_700_006_400
HASH = "0123456789abcdef"


def row(at, body, severity=9, **attributes):
    wall = DAY * 10**9 + int(at * 10**9)
    return (wall, severity, "X", "bot", "bot", body, "", None, None, "i", "", json.dumps(attributes))


@pytest.fixture
def database(tmp_path):
    made = Database(open_to_write(tmp_path / "store.db", ()))
    yield made
    made.connection.close()


def write(database, logs, *rows):
    logs.add(rows)
    with transaction(database):
        logs.write(database, logs.take())


def bodies(database, text=None):
    answer = newest(database, LogFilter(text=text), DAY - 90_000, DAY + 900_000, 100, None)
    return [record.body for record in answer.records]


def test_the_least_severe_go_first_and_are_counted():
    lost = []
    logs = Logs(lambda: 1.0, lost.append, most=4)
    logs.add([row(1, "i1"), row(2, "e", 17), row(3, "d", 5), row(4, "i2"), row(5, "w", 13), row(6, "c", 21)])
    assert [one[5] for one in logs.take()] == ["e", "i2", "w", "c"]
    assert sum(lost) == 2
    logs.add([row(n, str(n), 21) for n in range(1, 6)])
    assert [one[5] for one in logs.take()] == ["2", "3", "4", "5"]
    assert logs.take() is None


def test_what_comes_late_finds_its_place(database):
    logs = Logs(lambda: 1.0)
    write(database, logs, row(5.5, "five"), row(90_000, "next day"))
    write(database, logs, row(3, "three"), row(5.5, "five again"))
    assert bodies(database) == ["next day", "five again", "five", "three"]


def test_writing_again_what_was_rolled_back_is_as_if_for_the_first_time(database):
    logs = Logs(lambda: 1.0)
    logs.add([row(1, "one"), row(2, "two")])
    taken = logs.take()
    database.connection.execute("BEGIN IMMEDIATE")
    logs.write(database, taken)
    database.connection.rollback()
    database.forget()
    with transaction(database):
        logs.write(database, taken)
    assert bodies(database) == ["two", "one"]
    assert bodies(database, "two") == ["two"]


def test_days_expire_whole_and_the_newest_never_makes_room(database):
    logs = Logs(lambda: 2 * 86_400.0)
    write(database, logs, row(1, "old"), row(86_401, "newer"))
    (family, oldest) = logs.oldest(database)
    assert oldest.start == DAY
    assert logs.expired(database, DAY + 3 * 86_400 - 1) == []
    assert logs.expired(database, DAY + 3 * 86_400) == [(family, oldest)]
    with transaction(database):
        database.drop(family, oldest)
    assert bodies(database) == ["newer"]
    assert logs.oldest(database) is None


def days(errors_s=30 * 86_400.0):
    return Logs(lambda: 7 * 86_400.0, errors_s=lambda: errors_s)


def tend_until_settled(database, logs, now):
    turns = 0
    while not database.partitions(logs.families[0])[0].settled:
        logs.tend(database, now)
        turns += 1
        assert turns < 20
    return turns


def test_of_a_day_that_is_old_enough_the_errors_stay(database, monkeypatch):
    monkeypatch.setattr(thinning, "SLICE", 4)
    logs = days()
    expected = row(3, "not allowed", 13, **{"bot.error.category": "user"})
    noise = [row(n, f"fine {n}") for n in range(10, 30)]
    write(database, logs, row(2, "it broke"), row(2, "it broke", 17), expected, *noise, row(40, "down", 21))
    write(database, logs, row(86_500, "the next day"))
    week = DAY + 8 * 86_400
    logs.tend(database, week - 1)
    assert len(bodies(database)) == 25, "it is younger than all are kept"
    logs.tend(database, week)
    assert len(bodies(database)) == 25, "half of it is done: nobody sees that"
    assert tend_until_settled(database, logs, week) == 6
    logs.tend(database, week)
    assert bodies(database) == ["the next day", "down", "not allowed", "it broke"]
    assert bodies(database, "broke") == ["it broke"]
    assert bodies(database, "fine") == []
    day = database.partitions(logs.families[0])[0]
    assert (day.start, day.size < 2000) == (DAY, True)
    database.connection.execute(f"INSERT INTO {day.name}_text ({day.name}_text) VALUES ('integrity-check')")
    assert logs.expired(database, DAY + 31 * 86_400 - 1) == []
    assert logs.expired(database, DAY + 31 * 86_400) == [(logs.families[0], day)]


def test_thinning_begins_anew_where_it_was_interrupted(database, monkeypatch):
    monkeypatch.setattr(thinning, "SLICE", 2)
    write(database, days(), *[row(n, f"error {n}", 17, user=HASH) for n in range(1, 6)], row(7, "e", 17))
    days().tend(database, DAY + 9 * 86_400)
    logs = days()
    logs.tend(database, DAY + 9 * 86_400)
    with transaction(database):
        assert logs.forget(database, HASH) == 5, "a copy is no record"
    (copies,) = database.partitions(thinning.ERRORS)
    assert database.connection.execute(f"SELECT count(*) FROM {copies.name}").fetchone() == (0,)
    tend_until_settled(database, logs, DAY + 9 * 86_400)
    assert bodies(database) == ["e"]


def test_late_records_join_what_is_left_of_their_day(database, monkeypatch):
    monkeypatch.setattr(thinning, "SLICE", 2)
    now = DAY + 9 * 86_400
    logs = days()
    write(database, logs, row(1, "one", 17), row(5, "five", 17))
    tend_until_settled(database, logs, now)
    for again in (logs, days()):
        late = [row(2 + n / 10, f"late {n}", 17) for n in range(3)]
        write(
            database,
            again,
            *late,
            row(3, "fine"),
            row(4, "not allowed", 13, **{"bot.error.category": "user"}),
        )
        again.tend(database, now)
    expected = ["five", *["not allowed"] * 2, *[f"late {n}" for n in (2, 2, 1, 1, 0, 0)], "one"]
    assert bodies(database) == expected
    assert [one.settled for one in database.partitions(logs.families[0])] == [True]
    write(database, logs, row(6, "nothing but noise"))
    assert bodies(database) == expected


def test_an_error_that_comes_while_its_day_is_thinned_stays(database, monkeypatch):
    monkeypatch.setattr(thinning, "SLICE", 4)
    logs = days()
    write(database, logs, row(2, "early", 17), *[row(n, f"fine {n}") for n in range(10, 20)])
    for _ in range(2):
        logs.tend(database, DAY + 9 * 86_400)
    write(database, logs, row(1, "late", 17))
    tend_until_settled(database, logs, DAY + 9 * 86_400)
    assert bodies(database) == ["early", "late"]


def test_what_makes_room_while_a_day_is_thinned(database, monkeypatch):
    """The copies first, which are made anew; the newest day never, however many tables it has."""
    monkeypatch.setattr(thinning, "SLICE", 2)
    now = DAY + 9 * 86_400
    logs = days()
    write(database, logs, *[row(n, f"error {n}", 17) for n in range(1, 7)])
    logs.tend(database, now)
    assert logs.oldest(database) is None
    write(database, logs, row(8 * 86_400, "today"))
    family, copies = logs.oldest(database)
    assert (family, copies.start) == (thinning.ERRORS, DAY)
    with transaction(database):
        database.drop(family, copies)
    tend_until_settled(database, logs, now)
    assert bodies(database) == ["today", *[f"error {n}" for n in range(6, 0, -1)]]


def test_a_day_that_made_room_is_thinned_from_its_beginning_when_it_comes_again(database, monkeypatch):
    monkeypatch.setattr(thinning, "SLICE", 2)
    now = DAY + 9 * 86_400
    logs = days()
    write(database, logs, *[row(n, f"error {n}", 17) for n in range(1, 7)], row(8 * 86_400, "today"))
    for _ in range(2):
        logs.tend(database, now)
    for left in (2, 1):
        with transaction(database):
            database.drop(*logs.oldest(database))
        assert len(logs._days(database)) == left
    write(database, logs, row(1, "again", 17))
    tend_until_settled(database, logs, now)
    assert bodies(database) == ["today", "again"]


def test_errors_that_are_kept_no_longer_than_others_go_with_them(database):
    logs = days(errors_s=86_400.0)
    write(database, logs, row(1, "error", 17))
    logs.tend(database, DAY + 8 * 86_400)
    assert [one.settled for _, one in logs.expired(database, DAY + 8 * 86_400)] == [False]


def test_sizes_are_about_what_the_file_takes(database, tmp_path):
    logs = Logs(lambda: 1.0)
    write(
        database,
        logs,
        *[row(n / 10 + 1, f"answered {n} of {n * 7} questions about the weather", k=n) for n in range(5_000)],
    )
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (partition,) = database.partitions(logs.families[0])
    assert partition.size == pytest.approx((tmp_path / "store.db").stat().st_size, rel=0.4)


def test_a_users_records_leave_nothing_behind(database, tmp_path):
    logs = Logs(lambda: 1.0)
    write(database, logs, row(1, "theirs: Pflaumenkuchen", user=HASH), row(2, "other Kuchen", user="f" * 16))
    write(database, logs, row(90_000, "THEIRS too", users=["a", HASH]))
    with transaction(database):
        assert logs.forget(database, HASH) == 2
        assert logs.forget(database, HASH) == 0
    assert bodies(database) == ["other Kuchen"]
    assert bodies(database, "pflaumen") == bodies(database, "theirs") == []
    assert bodies(database, "kuchen") == ["other Kuchen"]
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = (tmp_path / "store.db").read_bytes()
    # of the index' words, too: it keeps what follows a shared beginning
    for gone in (HASH.encode(), b"Pflaumen", b"pfl", b"flau"):
        assert gone not in raw
    assert b"Kuchen" in raw
    database.connection.execute(f"INSERT INTO logs_{DAY}_text (logs_{DAY}_text) VALUES ('integrity-check')")


@pytest.mark.parametrize("seed", [54, 776])
def test_no_page_keeps_a_word_of_what_was_forgotten(tmp_path, seed):
    """Of these stores the index's pages did, when it was told record by record what to delete."""
    chance = random.Random(seed)
    database = Database(open_to_write(tmp_path / "store.db", ()))
    logs = Logs(lambda: 1.0)
    for batch in range(chance.choice([1, 1, 2, 5, 40])):
        rows = []
        for n in range(chance.choice([1, 3, 30, 300])):
            theirs = chance.random() < 0.2
            said = "xq\u0416\u0429zv secret " if theirs else "plain words "
            body = f"{said}{n}{'y' * chance.randrange(50)}"
            rows.append(row(1 + batch * 100 + n / 100, body, **({"user": HASH} if theirs else {})))
        write(database, logs, *rows)
    with transaction(database):
        assert logs.forget(database, HASH)
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "store.db").read_bytes()
    assert not [
        part
        for part in ("q\u0436\u0449", "\u0436\u0449z", "\u0416\u0429", "\u0449z")
        if part.encode() in content
    ]
    assert "lain words" in content.decode(errors="replace")
    database.connection.close()
