"""redis-py, asyncio's and the plain one, against a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from opentelemetry import context as context_api
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from redis import asyncio as aioredis

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import redis as instrumentation
from whisperwatch.bot.instrument.libraries.registry import registry


@pytest.fixture
async def client(redis_url: str, records: Any) -> AsyncIterator[aioredis.Redis]:
    async with aioredis.Redis.from_url(redis_url, decode_responses=True) as client:
        await client.flushdb()
        records.spans()
        yield client


@pytest.fixture
def plain(redis_url: str, records: Any) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        records.spans()
        yield client


def cache(records: Any) -> dict[str, int]:
    return {result: n for (_, _, result, _), n in records.cells(semconv.CACHE_REQUESTS).items()}


async def test_a_command_is_one_whole_span_without_key_or_value(
    client: aioredis.Redis, records: Any, redis_url: str
) -> None:
    await client.set("ada:mood", "secret")
    (span,) = records.spans()
    port = urlsplit(redis_url).port
    assert {key: span.pop(key) for key in ("id", "trace", "parent")}["parent"] == 0
    assert span == {
        "name": "SET", "kind": 2, "failed": False, "events": [], "db.system.name": "redis", "db.namespace": "0",
        "db.operation.name": "SET", "server.address": "127.0.0.1", "server.port": port,
    }  # fmt: skip
    assert records.cells(semconv.DB_DURATION)["redis", "0", "SET", "127.0.0.1", port, None] == 1


async def test_pipelines_are_one_span(client: aioredis.Redis, records: Any) -> None:
    async with client.pipeline() as pipe:
        assert await pipe.set("a", 1).get("a").get("b").execute() == [True, "1", None]
    async with client.pipeline(transaction=False) as pipe:
        await pipe.incr("a").execute()
        await pipe.execute()  # nothing to send
    spans = records.spans()
    assert [(span["name"], span["db.operation.batch.size"]) for span in spans] == [
        ("MULTI", 3),
        ("PIPELINE", 1),
    ]
    assert cache(records) == {"hit": 1, "miss": 1}


async def test_a_watched_transaction_shows_its_commands(client: aioredis.Redis, records: Any) -> None:
    async with client.pipeline() as pipe:
        await pipe.watch("a")
        await pipe.get("a")
        pipe.multi()
        pipe.set("a", 1)
        await client.set("a", 2)
        with pytest.raises(redis.WatchError):
            await pipe.execute()
    spans = records.spans()
    assert [span["name"] for span in spans] == ["WATCH", "GET", "SET", "MULTI"]
    assert [span["failed"] for span in spans] == [False, False, False, True]


async def test_hits_and_misses_are_counted(client: aioredis.Redis, records: Any) -> None:
    await client.set("a", "")  # empty is there
    await client.hset("h", "x", "1")
    await client.get("a")
    await client.get("b")
    await client.mget("a", "b", "c")
    await client.hget("h", "x")
    await client.hmget("h", ["x", "y"])
    await client.getdel("a")
    assert cache(records) == {"hit": 5, "miss": 4}


async def test_a_failure_is_marked_and_raised_unchanged(client: aioredis.Redis, records: Any) -> None:
    await client.set("a", "secret")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        await client.lpush("a", "b")
    span = records.spans()[-1]
    assert (span["name"], span["failed"]) == ("LPUSH", True)
    assert span["error.type"] == "redis.exceptions.ResponseError"
    assert span["db.response.status_code"] == "WRONGTYPE"
    assert "secret" not in repr(span)
    failed = {key[-1]: n for key, n in records.cells(semconv.DB_DURATION).items() if key[2] == "LPUSH"}
    assert failed == {"redis.exceptions.ResponseError": 1}


async def test_a_server_that_is_not_there(records: Any) -> None:
    async with aioredis.Redis(port=1, password="hunter2", retry=None) as client:
        with pytest.raises(redis.ConnectionError):
            await client.get("a")
    (span,) = records.spans()
    assert (span["name"], span["failed"], span["server.port"]) == ("GET", True, 1)
    assert cache(records) == {}
    assert "hunter2" not in repr(span)


async def test_a_cancelled_command_ends_its_span(client: aioredis.Redis, records: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await client.blpop(["nothing"], timeout=30)
    (span,) = records.spans()
    assert (span["name"], span["error.type"]) == ("BLPOP", "asyncio.exceptions.CancelledError")


async def test_the_watcher_is_told_where_the_server_is(records: Any) -> None:
    for _ in range(2):
        async with aioredis.Redis(port=1, username="ada", password="hunter2", db=3, retry=None) as client:
            with pytest.raises(redis.ConnectionError):
                await client.get("a")
    assert records.endpoints() == [
        ("redis", {
            "host": "localhost", "port": 1, "path": None, "db": 3, "username": "ada", "password": "hunter2",
            "ssl": False, "credential_provider": None,
        })
    ]  # fmt: skip


async def test_names_of_commands_are_bounded(client: aioredis.Redis, records: Any) -> None:
    await client.execute_command("get a")
    await client.execute_command(b"GET", "a")
    await client.config_get("maxmemory")
    for given in ("SAY hello ada", "§$%"):
        with pytest.raises(redis.ResponseError):
            await client.execute_command(given)
    assert records.names() == ["GET", "GET", "CONFIG", "SAY", "OTHER"]


async def test_a_broken_hook_breaks_nothing(
    client: aioredis.Redis, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(instrumentation, "_known", lambda pool: 1 / 0)
    assert await client.set("a", 1)
    async with client.pipeline() as pipe:
        assert await pipe.get("a").execute() == ["1"]
    assert guard.counts == {"redis": 1, "redis pipeline": 1}
    assert records.names() == []


async def test_what_is_suppressed_does_not_show(client: aioredis.Redis, records: Any) -> None:
    token = context_api.attach(context_api.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    await client.get("a")
    context_api.detach(token)
    assert records.names() == []
    assert cache(records) == {}


def test_the_plain_client(plain: redis.Redis, records: Any) -> None:
    plain.set("a", 1)
    assert plain.get("a") == b"1"
    with plain.pipeline() as pipe:
        assert pipe.get("a").get("b").execute() == [b"1", None]
    with plain.pipeline(transaction=False) as pipe:
        pipe.get("a").execute()
    with pytest.raises(redis.ResponseError):
        plain.incr("a", "x")  # type: ignore[arg-type]
    spans = records.spans()
    assert [span["name"] for span in spans] == ["SET", "GET", "MULTI", "PIPELINE", "INCRBY"]
    assert [span["failed"] for span in spans] == [False] * 4 + [True]
    assert cache(records) == {"hit": 3, "miss": 1}


async def test_undone_everything_is_the_very_original(client: aioredis.Redis, records: Any) -> None:
    registry.undo()
    await client.get("a")
    assert records.names() == []
    places = [
        (owner, name)
        for module in (redis.client, aioredis.client)
        for owner, name in (
            (module.Redis, "execute_command"),
            (module.Pipeline, "execute"),
            (module.Pipeline, "immediate_execute_command"),
        )
    ]
    originals = [vars(owner)[name] for owner, name in places]
    registry.apply()
    registry.apply()
    await client.get("a")
    assert records.names() == ["GET"]
    registry.undo()
    assert [vars(owner)[name] for owner, name in places] == originals
