"""The store's file: made safely, opened by its own version alone, and never lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import open_to_change, open_to_read, open_to_write, version_of
from whisperwatch.watcher.store.migrations import MIGRATIONS, Migration

SCHEMA = ("CREATE TABLE told (x)",)


def migration(*statements: str) -> Migration:
    return lambda connection: [connection.execute(one) for one in statements]


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_one(path: Path) -> None:
    with closing(open_to_write(path, SCHEMA)) as connection:
        assert path.stat().st_mode & 0o777 == 0o600
        assert (pragma(connection, "journal_mode"), pragma(connection, "synchronous")) == ("wal", 2)
        assert (pragma(connection, "auto_vacuum"), pragma(connection, "user_version")) == (
            2,
            version_of(MIGRATIONS),
        )
        connection.execute("INSERT INTO told VALUES (1)")
    with closing(open_to_write(path, ("CREATE TABLE other (x)",))) as connection:
        assert connection.execute("SELECT x FROM told").fetchall() == [(1,)]


def test_an_older_one_is_brought_up_to_date(path: Path) -> None:
    with closing(open_to_write(path, SCHEMA, ())) as connection:
        connection.execute("INSERT INTO told VALUES (1)")
    migrations = (
        migration("ALTER TABLE told ADD COLUMN y DEFAULT 5"),
        migration("CREATE TABLE third (z)", "INSERT INTO third VALUES (9)"),
    )
    with closing(open_to_write(path, SCHEMA, migrations)) as connection:
        assert pragma(connection, "user_version") == 3
        assert connection.execute("SELECT x, y FROM told").fetchall() == [(1, 5)]
        assert connection.execute("SELECT z FROM third").fetchall() == [(9,)]


def test_what_a_migration_removes_is_not_left_in_free_pages(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_write(path, SCHEMA, ()).close()
    connect, seen = sqlite3.connect, []

    def careless(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA secure_delete=OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", careless)
    migrations = (lambda connection: seen.append(pragma(connection, "secure_delete")),)
    with closing(open_to_write(path, SCHEMA, migrations)) as connection:
        assert (seen, pragma(connection, "secure_delete")) == ([1], 0)


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    open_to_write(path, SCHEMA, ()).close()
    migrations = (migration("CREATE TABLE second (y)", "NONSENSE"),)
    with pytest.raises(StoreError, match="can't be opened"):
        open_to_write(path, SCHEMA, migrations)
    with closing(open_to_write(path, SCHEMA, ())) as connection:
        assert pragma(connection, "user_version") == 1
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'second'").fetchone() == (
            0,
        )


def test_a_newer_one_is_refused_and_stays_as_it_is(path: Path) -> None:
    open_to_write(path, SCHEMA, (*MIGRATIONS, migration("CREATE TABLE second (y)"))).close()
    newer, known = version_of(MIGRATIONS) + 1, version_of(MIGRATIONS)
    before = path.read_bytes()
    for open_it in (
        lambda: open_to_write(path, SCHEMA),
        lambda: open_to_read(path),
        lambda: open_to_change(path),
    ):
        with pytest.raises(
            StoreError, match=rf"newer Whisperwatch \(schema {newer}; this one knows {known}\)"
        ):
            open_it()
    assert path.read_bytes() == before


def test_an_older_one_is_not_read(path: Path) -> None:
    open_to_write(path, SCHEMA, ()).close()
    with pytest.raises(StoreError, match="older Whisperwatch's schema 1: its watcher brings it up to 2"):
        open_to_read(path, (migration("CREATE TABLE second (y)"),))


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE precious (x)")
    with pytest.raises(StoreError, match="a database of something else"):
        open_to_write(path, SCHEMA)


@pytest.mark.parametrize(
    "content", [b"this is no database, but a letter to a friend" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_one_is_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with closing(open_to_write(path, SCHEMA)) as connection:
        assert connection.execute("SELECT count(*) FROM told").fetchone() == (0,)
    (kept,) = path.parent.glob("store.db.broken-*")
    assert kept.read_bytes() == content


def test_what_reads_cannot_write(path: Path) -> None:
    open_to_write(path, SCHEMA).close()
    with closing(open_to_read(path)) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO told VALUES (1)")


def test_there_is_none(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        open_to_read(path)
    assert not path.exists()


def test_a_place_that_can_hold_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be opened"):
        open_to_write(tmp_path / "file" / "store.db", SCHEMA)
