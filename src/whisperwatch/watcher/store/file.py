"""The store's file: made, opened to write or to read, brought to today's schema.

WAL, so that others read while it is written; synchronous=FULL, so that a power cut loses no more than the commit that
it interrupts; auto_vacuum=INCREMENTAL from the first page, so that what is dropped is given back in slices.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.migrations import MIGRATIONS, Migration
from whisperwatch.watcher.store.partitions import SCHEMA as PARTITIONS

_APPLICATION: Final = 0x57485750
"""SQLite's application_id of our files."""
_BUSY_S: Final = 5.0
_CACHE_KIB: Final = 4096
_WAL_BYTES: Final = 16 * 2**20


def version_of(migrations: Sequence[Migration]) -> int:
    """The schema version that these lead to."""
    return len(migrations) + 1


def open_to_write(
    path: Path, schema: Sequence[str], migrations: Sequence[Migration] = MIGRATIONS
) -> sqlite3.Connection:
    """The file at `path`, made where there is none, at today's version. The caller holds its lock.

    A file that SQLite finds corrupt is moved aside (`.broken-` and the time), never overwritten.

    Args:
        schema: statements that make a new file's tables, as they are at today's version.

    Raises:
        StoreError: it can't be made or opened, is of a newer version, or is no store of ours.
    """
    try:
        return _opened(path, schema, migrations)
    except sqlite3.DatabaseError as error:
        if is_broken(error):
            set_aside(path)
            try:
                return _opened(path, schema, migrations)
            except (sqlite3.Error, OSError) as again:
                error = again  # type: ignore[assignment]
        raise StoreError(f"{path} can't be opened: {error}") from error
    except OSError as error:
        raise StoreError(f"{path} can't be opened: {error.strerror or error}") from error


def open_to_change(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> sqlite3.Connection:
    """A connection to a file that is there, for a short change beside its watcher.

    Raises:
        StoreError: there is no such file, or it is of another version.
    """
    open_to_read(path, migrations).close()
    connection = sqlite3.connect(path, timeout=2 * _BUSY_S, isolation_level=None)
    connection.execute("PRAGMA secure_delete=ON")  # what is removed is not left in pages that are free
    return connection


def open_to_read(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> sqlite3.Connection:
    """A connection that can only read.

    Raises:
        StoreError: there is no such file, or it is of another version.
    """
    if not path.exists():
        raise StoreError(f"there is no store at {path}: no watcher has kept anything there yet")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        found, newest = _version(connection), version_of(migrations)
    except sqlite3.Error as error:
        raise StoreError(f"{path} can't be read: {error}") from error
    if found != newest:
        connection.close()
        raise StoreError(_other_version(path, found, newest))
    return connection


def _opened(path: Path, schema: Sequence[str], migrations: Sequence[Migration]) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        if (found := _version(connection)) > version_of(migrations):
            raise StoreError(_other_version(path, found, version_of(migrations)))
        _prepare(connection)
        _bring_up_to_date(connection, path, schema, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise sqlite3.OperationalError("its file system can't hold a write-ahead log")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")


def _bring_up_to_date(
    connection: sqlite3.Connection, path: Path, schema: Sequence[str], migrations: Sequence[Migration]
) -> None:
    found, newest = _version(connection), version_of(migrations)
    if found == newest:
        return
    (secure,) = connection.execute("PRAGMA secure_delete").fetchone()
    # what is forgotten later must not be left in pages of old tables
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if found == 0:
            _make(connection, path, schema)
        for migration in migrations[found - 1 :] if found else ():
            migration(connection)
        connection.execute(f"PRAGMA user_version={newest}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    connection.execute(f"PRAGMA secure_delete={secure}")


def _make(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreError(f"{path} is a database of something else: give the store another path")
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    for statement in (*PARTITIONS, *schema):
        connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _other_version(path: Path, found: int, newest: int) -> str:
    if found > newest:
        return (
            f"{path} was written by a newer Whisperwatch (schema {found}; this one knows {newest}): update, or give "
            "the store another path"
        )
    return f"{path} has an older Whisperwatch's schema {found}: its watcher brings it up to {newest} when it starts"


def is_broken(error: Exception) -> bool:
    """Whether SQLite says that the file is damaged."""
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path) -> None:
    """Keep a damaged file under another name, so that a new one can be begun."""
    moved = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
    os.replace(path, moved)
    for ending in ("-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            os.replace(beside, moved.with_name(moved.name + ending))
