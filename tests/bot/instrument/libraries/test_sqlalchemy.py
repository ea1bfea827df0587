"""SQLAlchemy, on a driver that is instrumented and on one that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine.base import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import databases
from whisperwatch.bot.instrument.libraries import sqlalchemy as instrumentation
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.tracing import tracing

TABLE = sqlalchemy.Table(
    "t", sqlalchemy.MetaData(), sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
    sqlalchemy.Column("name", sqlalchemy.String),
)  # fmt: skip


@pytest.fixture
async def engine(tmp_path: Path, records: Any) -> AsyncIterator[AsyncEngine]:
    """On SQLite, whose driver nobody instruments."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/letters.db")
    async with engine.begin() as connection:
        await connection.run_sync(TABLE.metadata.create_all)
    records.spans()
    yield engine
    await engine.dispose()


async def test_a_statement_is_one_whole_span(engine: AsyncEngine, records: Any) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT name FROM t WHERE name = 'Ada' AND id = :id"), {"id": 5})
    (span,) = records.spans()
    assert {key: span.pop(key) for key in ("id", "trace", "parent")}["parent"] == 0
    assert span == {
        "name": "SELECT t", "kind": 2, "failed": False, "events": [], "db.system.name": "sqlite",
        "db.namespace": "letters.db", "server.address": "localhost", "db.operation.name": "SELECT",
        "db.collection.name": "t", "db.query.summary": "SELECT t",
        "db.query.text": "SELECT name FROM t WHERE name = ? AND id = ?",
    }  # fmt: skip
    assert records.cells(semconv.DB_DURATION)["sqlite", "letters.db", "SELECT", "localhost", None, None] == 1


async def test_what_sqlite_takes_for_a_string_is_masked(
    engine: AsyncEngine, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_MOST_STATEMENTS", 1)
    async with engine.connect() as connection:
        for column in ("id", "name"):
            await connection.execute(text(f'SELECT {column} FROM t WHERE name = "my grandmother"'))
    for span, column in zip(records.spans(), ("id", "name"), strict=True):
        assert span["db.query.text"] == f"SELECT {column} FROM t WHERE name = ?"
        assert span["db.system.name"] == "sqlite"


async def test_every_way_to_send_a_statement_is_seen_once(engine: AsyncEngine, records: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(TABLE.insert(), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
        await connection.execute(TABLE.insert().returning(TABLE.c.id), [{"name": "c"}, {"name": "d"}])
        assert await connection.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(TABLE)) == 4
        rows = await connection.stream(sqlalchemy.select(TABLE))
        assert len([row async for row in rows]) == 4
        await connection.exec_driver_sql("DELETE FROM t")
    assert records.names() == ["INSERT t", "INSERT t", "SELECT t", "SELECT t", "DELETE t"]


async def test_a_failure_is_marked_and_raised_unchanged(engine: AsyncEngine, records: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(TABLE.insert(), {"id": 1, "name": "a"})
        with pytest.raises(sqlalchemy.exc.IntegrityError, match="UNIQUE"):
            await connection.execute(TABLE.insert(), {"id": 1, "name": "secret"})
    span = records.spans()[-1]
    assert (span["name"], span["failed"], span["error.type"]) == ("INSERT t", True, "sqlite3.IntegrityError")
    assert "secret" not in repr(span)


async def test_spans_nest_under_what_is_current(engine: AsyncEngine, records: Any) -> None:
    assert tracing.provider is not None
    async with engine.connect() as connection:
        with tracing.provider.get_tracer("the bot's").start_as_current_span("outer"):
            await connection.execute(text("SELECT 1"))
    inner, outer = records.spans()
    assert (inner["name"], inner["parent"]) == ("SELECT", outer["id"])


async def test_the_drivers_span_wins(postgres: str, records: Any) -> None:
    folder = postgres.partition("host=")[2]
    engine = create_async_engine(f"postgresql+asyncpg://companion@/postgres?host={folder}")
    async with engine.connect() as connection:
        records.spans()
        await connection.execute(text("SELECT 'Ada'"))
        names = records.names()
        assert names.count("SELECT") == 1
        registry.undo()
        registry.apply(["sqlalchemy"])
        await connection.execute(text("SELECT 'Ada'"))
        assert records.names() == ["SELECT"]
        assert await connection.scalar(text("SELECT 1")) == 1
    await engine.dispose()


async def test_a_broken_hook_breaks_nothing(
    engine: AsyncEngine, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(instrumentation, "_is_seen_below", lambda driver: 1 / 0)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 7")) == 7
    assert guard.counts == {"sqlalchemy": 1}
    assert records.names() == []


async def test_undone_everything_is_the_very_original(engine: AsyncEngine, records: Any) -> None:
    names = ("_exec_single_context", "_exec_insertmany_context")
    registry.undo()
    originals = [vars(Connection)[name] for name in names]
    registry.apply()
    registry.apply()
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    assert records.names() == ["SELECT"]
    registry.undo()
    assert [vars(Connection)[name] for name in names] == originals
