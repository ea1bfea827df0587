"""Traces: put together from parts, thinned to what is notable, and a user's taken out."""

from __future__ import annotations

import itertools
import random

import pytest

from whisperwatch.watcher.query.embedded.traces import find, whole
from whisperwatch.watcher.query.language import Period, TraceSearch
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import KeepTraces, Part, Traces, decode
from whisperwatch.watcher.store.traces.packing import encode
from whisperwatch.watcher.store.traces.rows import FAMILY
from whisperwatch.watcher.store.traces.thinning import SLICE
from whisperwatch.watcher.store.transactions import transaction

DAY = 1_700_006_400
HASH = "0123456789abcdef"
numbers = itertools.count(1)


def part(trace, at, took=0.1, root="message", *, error=False, parent="", **attributes):
    start, end = DAY * 10**9 + round(at * 10**9), DAY * 10**9 + round((at + took) * 10**9)
    status = "error" if error else "unset"
    number = f"{next(numbers):016x}"
    span = [number, parent, root, "internal", start, end, status, "", attributes, [], []]
    return Part(
        trace.to_bytes(16, "big"), root if not parent else "", start, end, error, 1, "i", encode([span])
    )


@pytest.fixture
def database(tmp_path):
    made = Database(open_to_write(tmp_path / "store.db", ()))
    yield made
    made.connection.close()


def write(database, traces, *parts):
    traces.add(parts)
    with transaction(database):
        traces.write(database, traces.take())


def found(database):
    search = TraceSearch(Period(1.0), most=100_000)
    return {int(one.trace_id, 16): one for one in find(database, search, DAY - 90_000, DAY + 900_000).traces}


def spans(database, trace):
    return whole(database, f"{trace:032x}").spans


def test_parts_of_a_trace_are_one_trace(database):
    traces = Traces()
    write(database, traces, part(1, 5_001.0, 0.5, "inner", parent="ff"), part(2, 5_000.5, 1.0))
    write(
        database,
        traces,
        part(1, 5_000.0, 2.0, "message", error=True),
        part(1, 5_003.0, 1.0, "late", parent="ff"),
    )
    one = found(database)[1]
    assert (one.root, one.duration_s, one.error, one.spans) == ("message", 4.0, True, 3)
    assert one.start == (DAY + 5_000) * 10**9
    assert [span.name for span in spans(database, 1)] == ["message", "inner", "late"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_a_trace_that_goes_on_past_midnight_is_one(database, order, together):
    traces = Traces()
    parts = [
        part(1, 86_399.0, 5.0, "message"),
        part(1, 86_401.0, 1.0, "a", parent="ff", error=True),
        part(1, 86_402.0, 1.0, "b", parent="ff"),
    ]
    for group in [order] if together else [[one] for one in order]:
        write(database, traces, *[parts[one] for one in group])
    assert list(found(database)) == [1]
    one = found(database)[1]
    assert (one.root, one.start, one.duration_s, one.error, one.spans) == (
        "message", (DAY + 86_399) * 10**9, 5.0, True, 3,
    )  # fmt: skip
    assert {span.name for span in spans(database, 1)} == {"message", "a", "b"}


def test_thinned_are_all_but_failed_and_slowest(database):
    clock = random.Random(1)
    traces = Traces(lambda: KeepTraces(86_400.0, 10 * 86_400.0))
    count = SLICE + 500
    parts = [part(n, 4_000.0 + n, 0.001 * n, "message", error=n % 1000 == 7) for n in range(1, count + 1)]
    clock.shuffle(parts)
    write(database, traces, *parts, part(count + 1, 4_000.0, 0.0001, "rare"), part(count + 2, 90_000.0, 0.1))
    before = database.partitions(FAMILY)[0].size
    traces.tend(database, DAY + 2 * 86_400 - 1)
    assert len(found(database)) == count + 2
    for _ in range(3):
        traces.tend(database, DAY + 2 * 86_400)
    left = found(database)
    slowest = set(range(count - count // 20 + 1, count + 1))
    assert set(left) == slowest | {7, 1007, 2007, count + 1, count + 2}
    assert all(len(spans(database, trace)) == 1 for trace in left)
    assert spans(database, 8) == ()
    thinned, today = database.partitions(FAMILY)
    assert thinned.settled
    assert not today.settled
    assert thinned.size < before / 10
    traces.tend(database, DAY + 2 * 86_400)
    assert set(found(database)) == set(left)


def test_thinning_that_was_interrupted_goes_on_with_what_it_had_decided(database):
    traces = Traces(lambda: KeepTraces(86_400.0, 10 * 86_400.0))
    count = SLICE + 500
    write(database, traces, *[part(n, 4_000.0 + n, 0.001 * n) for n in range(1, count + 1)])
    traces.tend(database, DAY + 3 * 86_400)
    assert not database.partitions(FAMILY)[0].settled
    again = Traces(lambda: KeepTraces(86_400.0, 10 * 86_400.0))  # another process' would know nothing
    again.tend(database, DAY + 3 * 86_400)
    assert set(found(database)) == set(range(count - count // 20 + 1, count + 1))
    (left,) = database.partitions(FAMILY)
    with transaction(database):
        database.drop(FAMILY, left)
    (tables,) = database.connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'traces%'"
    ).fetchone()
    assert tables == 0


def test_what_came_under_the_number_of_a_forgotten_trace_is_not_thinned_for_it(database):
    traces = Traces(lambda: KeepTraces(86_400.0, 10 * 86_400.0))
    count = SLICE + 500
    short = part(count + 1, 9_000.0, 0.0001, **{"discord.user.id": HASH})
    write(database, traces, *[part(n, 4_000.0 + n, 0.001 * n) for n in range(1, count + 1)], short)
    traces.tend(database, DAY + 3 * 86_400)
    with transaction(database):
        assert traces.forget(database, HASH) == 1
    write(database, traces, part(count + 2, 9_001.0, error=True))
    traces.tend(database, DAY + 3 * 86_400)
    assert database.partitions(FAMILY)[0].settled
    assert count + 2 in found(database)
    assert [span.name for span in spans(database, count + 2)] == ["message"]


def test_days_expire_when_even_notable_ones_do(database):
    traces = Traces(lambda: KeepTraces(86_400.0, 3 * 86_400.0))
    write(database, traces, part(1, 5_000.0), part(2, 95_000.0))
    family, oldest = traces.oldest(database)
    assert oldest.start == DAY
    assert traces.expired(database, DAY + 4 * 86_400 - 1) == []
    assert traces.expired(database, DAY + 4 * 86_400) == [(family, oldest)]
    with transaction(database):
        database.drop(family, oldest)
    assert list(found(database)) == [2]
    assert traces.oldest(database) is None


def test_what_waits_is_bounded_and_the_oldest_goes():
    lost = []
    one = part(1, 1.0, key="x" * 50)
    traces = Traces(lost=lost.append, most_bytes=len(one.body) * 3 + 10)
    traces.add([one, *[part(n, 1.0, key="x" * 50) for n in range(2, 6)]])
    assert [int.from_bytes(kept.trace) for kept in traces.take()] == [3, 4, 5]
    assert sum(lost) == 2
    assert traces.take() is None


def test_a_users_traces_leave_nothing_behind(database, tmp_path):
    traces = Traces()
    write(
        database, traces,
        part(1, 5_000.0, **{"discord.user.id": HASH}), part(1, 5_001.0, parent="ff", k="v"),
        part(2, 5_000.0, users=["a", HASH]), part(3, 5_000.0, **{"discord.user.id": "f" * 16}),
    )  # fmt: skip
    bodies = [
        body for (body,) in database.connection.execute(f"SELECT body FROM traces_{DAY}_spans ORDER BY rowid")
    ]
    with transaction(database):
        assert traces.forget(database, HASH) == 2
        assert traces.forget(database, HASH) == 0
    assert set(found(database)) == {3}
    assert spans(database, 1) == ()
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = (tmp_path / "store.db").read_bytes()
    assert [body in raw for body in bodies] == [False, False, False, True]


def test_a_body_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 9"):
        decode(b"\x09abc")
