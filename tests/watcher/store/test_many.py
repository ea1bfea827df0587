"""Rows in few statements: all of them, in order, whatever their number."""

from __future__ import annotations

import sqlite3

import pytest

from whisperwatch.watcher.store.many import insert_many


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1600, 2047, 2048, 5000])
def test_all_rows(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE told (a, b)")
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    rows = [(number, str(number)) for number in range(count)]
    insert_many(connection, "told (a, b)", rows)
    connection.set_trace_callback(None)
    assert connection.execute("SELECT * FROM told").fetchall() == rows
    assert sum(statement.startswith("INSERT") for statement in statements) <= count // 2048 + 3 + 7 + 7 + 7
    connection.close()


def test_wide_rows() -> None:
    """2048 of them would need more variables than SQLite lets a statement have."""
    connection = sqlite3.connect(":memory:")
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
    columns = ", ".join(f"c{number}" for number in range(20))
    connection.execute(f"CREATE TABLE told ({columns})")
    rows = [(number,) * 20 for number in range(3000)]
    insert_many(connection, f"told ({columns})", rows)
    assert connection.execute("SELECT * FROM told").fetchall() == rows
    connection.close()


def test_what_is_there_already() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE told (a PRIMARY KEY, b)")
    insert_many(connection, "told (a, b)", [(1, 5), (2, 6)])
    insert_many(
        connection,
        "told (a, b)",
        [(1, 7), (3, 8)],
        ending=" ON CONFLICT (a) DO UPDATE SET b = b + excluded.b",
    )
    insert_many(connection, "told (a, b)", [(2, 0)], insert="INSERT OR REPLACE")
    assert connection.execute("SELECT * FROM told ORDER BY a").fetchall() == [(1, 12), (2, 0), (3, 8)]
    connection.close()
