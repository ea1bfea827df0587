"""asyncpg against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import asyncpg
import pytest
from opentelemetry import context as context_api
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import asyncpg as instrumentation
from whisperwatch.bot.instrument.libraries import asyncpg_pool, calls
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracing import tracing


@pytest.fixture
async def connection(postgres: str, records: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE TEMP TABLE t (id int PRIMARY KEY, name text)")
    records.spans()
    yield connection
    await connection.close()


async def test_a_query_is_one_whole_span_and_one_duration(
    connection: asyncpg.Connection, records: Any, postgres: str
) -> None:
    await connection.fetch("SELECT id /* Ada */ FROM t WHERE name = 'Ada' AND id = $1", 5)
    (span,) = records.spans()
    folder = postgres.partition("host=")[2]
    assert {key: span.pop(key) for key in ("id", "trace", "parent")}["parent"] == 0
    assert span == {
        "name": "SELECT t", "kind": 2, "failed": False, "events": [],
        "db.system.name": "postgresql", "db.namespace": "postgres", "server.address": folder,
        "db.operation.name": "SELECT", "db.collection.name": "t", "db.query.summary": "SELECT t",
        "db.query.text": "SELECT id FROM t WHERE name = ? AND id = $1",
    }  # fmt: skip
    assert records.cells(semconv.DB_DURATION)["postgresql", "postgres", "SELECT", folder, None, None] == 1


async def test_every_way_to_send_a_statement_is_seen_once(
    connection: asyncpg.Connection, records: Any
) -> None:
    await connection.execute("INSERT INTO t VALUES (1, 'a')")
    await connection.execute("INSERT INTO t VALUES ($1, $2)", 2, "b")
    await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(3, "c"), (4, "d")])
    assert await connection.fetchval("SELECT count(*) FROM t") == 4
    assert (await connection.fetchrow("SELECT * FROM t WHERE id = 1"))["name"] == "a"
    assert records.names() == ["INSERT t"] * 3 + ["SELECT t"] * 2

    prepared = await connection.prepare("SELECT * FROM t WHERE id > $1")
    assert records.names() == []
    assert len(await prepared.fetch(0)) == 4
    await prepared.fetchrow(0)
    await prepared.fetchval(0)
    assert records.names() == ["SELECT t"] * 3

    async with connection.transaction():
        found = [row["id"] async for row in connection.cursor("SELECT id FROM t", prefetch=3)]
        cursor = await connection.cursor("SELECT id FROM t")
        await cursor.forward(2)
        await cursor.fetchrow()
    assert found == [1, 2, 3, 4]
    assert records.names() == ["BEGIN", "SELECT t", "SELECT t", *["SELECT t"] * 3, "COMMIT"]

    with pytest.raises(LookupError):
        async with connection.transaction():
            raise LookupError
    assert records.names() == ["BEGIN", "ROLLBACK"]

    await connection.copy_records_to_table("t", records=[(5, "e")])
    await connection.copy_to_table("t", source=BytesIO(b"6\tf\n"))
    await connection.copy_from_query("SELECT * FROM t", output=BytesIO())
    assert records.names() == ["COPY t", "COPY t", "COPY"]


async def test_a_failure_is_marked_and_raised_unchanged(connection: asyncpg.Connection, records: Any) -> None:
    heard: list[Any] = []
    calls.on_failure.append(lambda call, error: heard.append((call.title, error)))
    await connection.execute("INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(asyncpg.UniqueViolationError, match="Key") as raised:
        await connection.execute("INSERT INTO t VALUES ($1, $2)", 1, "secret")
    calls.on_failure.clear()
    assert heard == [("INSERT t", raised.value)]
    span = records.spans()[-1]
    assert span["failed"]
    assert span["error.type"] == "asyncpg.exceptions.UniqueViolationError"
    assert span["db.response.status_code"] == "23505"
    assert [name for name, _ in span["events"]] == ["exception"]
    assert "secret" not in repr(span)
    counted = {
        key[-1]: value for key, value in records.cells(semconv.DB_DURATION).items() if key[2] == "INSERT"
    }
    assert counted == {None: 1, "asyncpg.exceptions.UniqueViolationError": 1}


async def test_a_cancelled_query_ends_its_span(connection: asyncpg.Connection, records: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await connection.execute("SELECT pg_sleep(30)")
    (span,) = records.spans()
    assert (span["failed"], span["error.type"]) == (True, "asyncio.exceptions.CancelledError")


async def test_a_broken_hook_breaks_nothing(
    connection: asyncpg.Connection, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(instrumentation, "server", lambda connection: 1 / 0)
    assert await connection.fetchval("SELECT 7") == 7
    assert guard.counts == {"asyncpg": 1}
    assert records.names() == []


async def test_spans_nest_under_what_is_current(connection: asyncpg.Connection, records: Any) -> None:
    assert tracing.provider is not None
    with tracing.provider.get_tracer("the bot's").start_as_current_span("outer") as outer:
        await asyncio.gather(connection.fetch("SELECT 1"))
    inner, ended = records.spans()
    assert (inner["name"], ended["name"]) == ("SELECT", "outer")
    assert (inner["parent"], inner["trace"]) == (ended["id"], outer.get_span_context().trace_id)


async def test_what_is_suppressed_does_not_show(connection: asyncpg.Connection, records: Any) -> None:
    token = context_api.attach(context_api.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    assert await connection.fetchval("SELECT 1") == 1
    context_api.detach(token)
    assert records.names() == []


async def test_where_nothing_is_sampled_it_is_still_measured(
    connection: asyncpg.Connection, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.on = False
    await connection.fetch("SELECT 1")
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.fetch("SELECT FROM WHERE")
    assert records.names() == []
    counted = {
        key[-1]: value for key, value in records.cells(semconv.DB_DURATION).items() if key[2] == "SELECT"
    }
    assert counted == {None: 1, "asyncpg.exceptions.PostgresSyntaxError": 1}


async def test_a_pool_tells_its_state_and_cleans_up_unseen(postgres: str, records: Any) -> None:
    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as pool:
        assert records.names() == ["connect"]
        await pool.fetch("SELECT 1")
        assert records.names() == ["SELECT"]  # and nothing of the clean-up of what comes back
        first, second = await pool.acquire(), await pool.acquire()
        third = asyncio.create_task(pool.fetch("SELECT 1"))
        await asyncio.sleep(0)
        recorder.collect()
        (name,) = {key[0] for key in records.cells(semconv.DB_CONNECTION_WAIT)}
        assert name == postgres.partition("host=")[2] + "/postgres"
        assert records.cells(semconv.DB_CONNECTIONS) == {(name, "used"): 2}
        assert records.cells(semconv.DB_CONNECTIONS_MAX) == {(name,): 2}
        assert records.cells(semconv.DB_CONNECTIONS_PENDING) == {(name,): 1}
        await pool.release(first)
        await pool.release(second)
        await third
        recorder.collect()
        assert records.cells(semconv.DB_CONNECTIONS) == {(name, "idle"): 2}
        assert records.cells(semconv.DB_CONNECTIONS_PENDING) == {}
        assert records.cells(semconv.DB_CONNECTION_WAIT) == {(name,): 4}
        assert records.cells(semconv.DB_CONNECTION_USE) == {(name,): 4}
        assert records.cells(semconv.DB_CONNECTION_CREATE) == {(name,): 2}
    recorder.collect()
    assert records.cells(semconv.DB_CONNECTIONS) == records.cells(semconv.DB_CONNECTIONS_MAX) == {}


async def test_who_waits_in_vain_for_a_pool_is_seen(postgres: str, records: Any) -> None:
    async with asyncpg.create_pool(postgres, min_size=1, max_size=1) as pool, pool.acquire():
        records.spans()
        with pytest.raises(TimeoutError):
            await pool.acquire(timeout=0.02)
        (span,) = records.spans()
        assert (span["name"], span["failed"], span["error.type"]) == ("acquire", True, "TimeoutError")
        assert list(records.cells(semconv.DB_CONNECTION_TIMEOUTS).values()) == [1]
        assert "db.query.text" not in span


async def test_a_pool_that_is_let_go_of_is_not_kept(postgres: str, records: Any) -> None:
    pool = asyncpg.create_pool(postgres, min_size=1, max_size=1, max_inactive_connection_lifetime=0)
    await pool
    await pool.fetch("SELECT 1")
    queue = weakref.ref(pool._queue)
    assert len(asyncpg_pool._pools) == 1
    pool.terminate()
    await asyncio.sleep(0)  # its transports let go of it
    del pool
    gc.collect()
    assert queue() is None
    assert len(asyncpg_pool._pools) == 0


async def test_a_server_that_is_not_there(records: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect("postgresql://ada:hunter2@127.0.0.1:1/letters")
    (span,) = records.spans()
    assert (span["name"], span["failed"]) == ("connect", True)
    assert (span["server.address"], span["server.port"], span["db.namespace"]) == ("127.0.0.1", 1, "letters")
    assert "hunter2" not in repr(span)


async def test_the_watcher_is_told_where_the_server_is(records: Any) -> None:
    async def password() -> str:
        return "changes"

    for secret in ("hunter2", "hunter2", password):
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(
                host="127.0.0.1", port=1, user="ada", database="letters", password=secret, ssl=False
            )
    known = {"host": "127.0.0.1", "port": 1, "user": "ada", "database": "letters", "ssl": False}
    known["sslmode"] = "disable"
    assert records.endpoints() == [
        ("postgresql", {**known, "password": "hunter2"}),
        ("postgresql", {**known, "opaque": ["password"]}),
    ]


async def test_undone_everything_is_the_very_original(postgres: str, records: Any) -> None:
    registry.undo()
    connection = await asyncpg.connect(postgres)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert records.names() == []
    places = [
        (asyncpg.Connection, "execute"), (asyncpg.Connection, "_execute"), (asyncpg.pool.Pool, "_acquire"),
        (asyncpg.connect_utils, "_connect"), (asyncpg.pool.PoolConnectionHolder, "_release"),
    ]  # fmt: skip
    originals = [vars(owner)[name] for owner, name in places]
    assert not any(hasattr(original, "__wrapped__") for original in originals)
    registry.apply()
    registry.apply()
    assert [vars(owner)[name].__wrapped__ for owner, name in places] == originals
    registry.undo()
    assert [vars(owner)[name] for owner, name in places] == originals


async def test_what_somebody_wrapped_over_ours_stays_and_ours_is_silent(
    postgres: str, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = asyncpg.Connection._execute

    async def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await ours(self, *args, **kwargs)

    original = ours.__wrapped__
    asyncpg.Connection._execute = theirs
    connection = await asyncpg.connect(postgres)
    registry.undo()
    records.spans()
    assert await connection.fetchval("SELECT 1") == 1
    assert records.names() == []
    assert asyncpg.Connection._execute is theirs
    asyncpg.Connection._execute = ours  # they are gone: ours has come to light
    registry.apply()
    assert await connection.fetchval("SELECT 1") == 1
    assert records.names() == ["SELECT"]
    registry.undo()
    assert asyncpg.Connection._execute is original
    await connection.close()
