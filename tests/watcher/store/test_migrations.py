"""What older versions have kept is found by this one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from whisperwatch.watcher.query.embedded.log_counts import counts
from whisperwatch.watcher.query.embedded.log_search import newest
from whisperwatch.watcher.query.embedded.traces import find, whole
from whisperwatch.watcher.query.language import Grid, LogFilter, Period, TraceSearch
from whisperwatch.watcher.store.file import open_to_write
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.logs.rows import COLUMNS, fold
from whisperwatch.watcher.store.metrics.points import COLUMNS as COLUMNS_OF_POINTS
from whisperwatch.watcher.store.metrics.points import LEVELS, Level
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces import Traces
from whisperwatch.watcher.store.traces.packing import encode
from whisperwatch.watcher.store.traces.rows import FAMILY
from whisperwatch.watcher.store.transactions import transaction

DAY = 1_700_006_400
SPAN = (DAY, DAY + 2 * 86_400)
OF_VERSION_1 = (
    "CREATE TABLE {table} (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, severity INTEGER NOT NULL, "
    "grade INTEGER NOT NULL, level TEXT NOT NULL, component TEXT NOT NULL, logger TEXT NOT NULL, "
    "body TEXT NOT NULL, exception TEXT NOT NULL, trace BLOB, span BLOB, instance TEXT NOT NULL, "
    "event TEXT NOT NULL, attributes TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE {table}_text USING fts5 (body, exception, content='{table}', content_rowid='id', "
    "tokenize='trigram', columnsize=0)",
)


POINTS_OF_VERSION_2 = (
    "CREATE TABLE {table} (series INTEGER NOT NULL, t INTEGER NOT NULL, count INTEGER, total REAL, least REAL, "
    "most REAL, last REAL, buckets BLOB, PRIMARY KEY (series, t)) WITHOUT ROWID"
)
TRACES_OF_VERSION_3 = (
    "CREATE TABLE {table} (trace BLOB PRIMARY KEY, root TEXT NOT NULL, start INTEGER NOT NULL, "
    "end INTEGER NOT NULL, error INTEGER NOT NULL, spans INTEGER NOT NULL, instance TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX {table}_start ON {table} (start)",
    "CREATE INDEX {table}_failed ON {table} (start) WHERE error",
    "CREATE TABLE {table}_spans (trace BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX {table}_spans_trace ON {table}_spans (trace)",
)
TRACES = {
    bytes(15) + bytes([number]): ("message", (DAY + 9_000 - number) * 10**9, number == 3, number % 2 + 1)
    for number in range(1, 6)
}
"""Root, start, error and parts; the later one's id is the smaller."""
POINTS = [(series, t, 2, 3.5, 1.0, 2.5, 2.0, b"\x01\x07") for series in (1, 2) for t in (60, 3540, 3600)]
"""Times are from a partition's start on."""


def row(at: float, body: str) -> tuple[object, ...]:
    at_ns = round((DAY + at) * 1e9)
    return (at_ns, 9, "INFO", "bot", "bot.main", body, "", None, None, "i", "", '{"u": "abc"}')


def packed_span(name: str, start: int) -> bytes:
    return encode([["01", "", name, "internal", start, start + 10**9, "unset", "", {}, [], []]])


def keep_traces_of_version_3(old: Connection) -> None:
    """Two days of the same; thinning of the second was interrupted when it had decided on two of them."""
    for day in (DAY, DAY + 86_400):
        table = f"traces_{day}"
        old.execute("INSERT INTO partitions (name, family, start) VALUES (?, 'traces', ?)", (table, day))
        for statement in TRACES_OF_VERSION_3:
            old.execute(statement.format(table=table))
        for trace, (root, start, error, parts) in TRACES.items():
            at = start + (day - DAY) * 10**9
            line = (trace, root, at, at + 10**9, error, parts, "i")
            old.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", line)
            for number in range(parts):
                body = packed_span(f"{trace[-1]}.{number}", at)
                old.execute(f"INSERT INTO {table}_spans VALUES (?, ?)", (trace, body))
    old.execute(f"CREATE TABLE {table}_doomed (trace BLOB PRIMARY KEY) WITHOUT ROWID")
    old.executemany(f"INSERT INTO {table}_doomed VALUES (?)", [(trace,) for trace in list(TRACES)[:2]])


def of(level: Level) -> list[tuple[Any, ...]]:
    return [point for point in POINTS if point[1] % level.step == 0]


@pytest.fixture
def database(tmp_path: Path):
    """Two days with a record each of version 1, and points of each level, opened today."""
    path = tmp_path / "store.db"
    with closing(open_to_write(path, (), ())) as old:
        for start, body in ((DAY, "Ein Stra\u00dfenK\u00e4fer"), (DAY + 86_400, "the pool is dry")):
            table = f"logs_{start}"
            old.execute("INSERT INTO partitions (name, family, start) VALUES (?, 'logs', ?)", (table, start))
            for statement in OF_VERSION_1:
                old.execute(statement.format(table=table))
            kept = (65_536, 2, *row(start - DAY + 1, body))
            old.execute(f"INSERT INTO {table} (id, grade, {COLUMNS}) VALUES ({', '.join('?' * 14)})", kept)
            old.execute(
                f"INSERT INTO {table}_text (rowid, body, exception) VALUES (?, ?, '')", (65_536, fold(body))
            )
        for level in LEVELS:
            start = DAY // level.family.length_s * level.family.length_s
            table = f"{level.family.name}_{start}"
            old.execute(
                "INSERT INTO partitions (name, family, start) VALUES (?, ?, ?)",
                (table, level.family.name, start),
            )
            old.execute(POINTS_OF_VERSION_2.format(table=table))
            points = [(series, start + t, *values) for series, t, *values in of(level)]
            old.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", points)
        keep_traces_of_version_3(old)
    database = Database(open_to_write(path, ()))
    yield database
    database.connection.close()


def bodies(database: Database, text: str) -> list[str]:
    return [one.body for one in newest(database, LogFilter(text=text), *SPAN, 9, None).records]


def test_logs_of_version_1_are_found_by_any_text(database):
    logs = Logs(lambda: 1e9)
    logs.add([row(2.0, "the pool has water"), *[row(3.0 + n / 100, "nothing") for n in range(3_000)]])
    with transaction(database):
        logs.write(database, logs.take())
    assert bodies(database, "POOL") == ["the pool is dry", "the pool has water"]
    assert bodies(database, "ry") == ["the pool is dry"]
    assert bodies(database, "K\u00c4F") == bodies(database, "k\u00e4") == ["Ein Stra\u00dfenK\u00e4fer"]
    assert (
        counts(database, LogFilter(text="pool"), (), Grid(SPAN[1], SPAN[1], 1, 2 * 86_400))[0].points[0][1]
        == 2
    )


def test_they_are_forgotten_and_dropped_whole(database):
    logs = Logs(lambda: 86_400.0)
    with transaction(database):
        assert logs.forget(database, "abc") == 2
    assert bodies(database, "pool") == bodies(database, "ry") == []
    for family, partition in logs.expired(database, DAY + 10 * 86_400):
        database.drop(family, partition)
    left = database.connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'logs%'").fetchall()
    assert left == []


def test_points_of_version_2_keep_their_series_times_and_values(database):
    for level in LEVELS:
        (partition,) = database.partitions(level.family)
        rows = database.connection.execute(f"SELECT {COLUMNS_OF_POINTS} FROM {partition.name} ORDER BY id")
        assert [(one[0], one[1] - partition.start, *one[2:]) for one in rows] == of(level)
        table = database.table(level.family, partition.end)
        shapes = database.connection.execute(
            "SELECT replace(sql, name, '') FROM sqlite_schema WHERE name IN (?, ?)", (partition.name, table)
        )
        old, new = (sql.replace('"', "") for (sql,) in shapes)
        assert old.replace(str(partition.start), str(partition.end)) == new


def test_traces_of_version_3_keep_their_lines_and_spans(database):
    search = TraceSearch(Period(1.0), most=9)
    for day in (DAY, DAY + 86_400):
        traces = find(database, search, day, day + 86_400).traces
        assert [
            (bytes.fromhex(t.trace_id), t.root, t.start - (day - DAY) * 10**9, t.error, t.spans)
            for t in traces
        ] == [(trace, *line) for trace, line in TRACES.items()]
    for trace, (_, _, _, parts) in TRACES.items():
        names = [span.name for span in whole(database, trace.hex()).spans]
        assert sorted(names) == sorted(2 * [f"{trace[-1]}.{number}" for number in range(parts)])
    first, _ = database.partitions(FAMILY)
    table = database.table(FAMILY, first.end + 86_400)
    shapes = (
        "SELECT replace(name, ?, ''), replace(sql, ?, '') FROM sqlite_schema WHERE name GLOB ? ORDER BY 1"
    )
    old, new = (
        database.connection.execute(shapes, (name, name, f"{name}*")).fetchall()
        for name in (first.name, table)
    )
    assert [(name, sql.replace('"', "")) for name, sql in old] == new


def test_thinning_of_version_3_goes_on_with_what_it_had_decided(database):
    first, second = database.partitions(FAMILY)
    with transaction(database):
        database.settle(first.name)
    Traces().tend(database, second.end + 86_400.0)
    left = find(database, TraceSearch(Period(1.0), most=9), second.start, second.end).traces
    assert [bytes.fromhex(trace.trace_id) for trace in left] == list(TRACES)[2:]
    assert database.partitions(FAMILY)[1].settled
