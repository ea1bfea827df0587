"""Beside OpenTelemetry's own instrumentations no call has two spans, whoever comes first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from whisperwatch.bot.instrument.libraries.registry import registry

pytest.importorskip("opentelemetry.instrumentation.redis")
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor


@pytest.fixture
def contrib() -> Iterator[Any]:
    """Switches OpenTelemetry's instrumentations on and off."""
    instrumentors = AsyncPGInstrumentor(), RedisInstrumentor()

    def switch(on: bool) -> None:
        for instrumentor in instrumentors:
            if on:
                instrumentor.instrument()
            elif instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.uninstrument()

    yield switch
    switch(False)


@pytest.fixture
async def ask(postgres: str, redis_url: str, records: Any) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres)
    redis = Redis.from_url(redis_url)

    async def asking() -> int:
        """How many spans one query and one command make."""
        records.spans()
        await connection.fetch("SELECT 1")
        await redis.get("a")
        return len(records.spans())

    yield asking
    await redis.aclose()
    await connection.close()


async def test_theirs_first(ask: Any, contrib: Any) -> None:
    registry.undo()
    contrib(True)
    registry.apply()
    assert not registry.applied & {"asyncpg", "redis"}
    assert await ask() == 2
    registry.look_again()
    assert await ask() == 2


async def test_theirs_after_ours(ask: Any, contrib: Any) -> None:
    assert registry.applied >= {"asyncpg", "redis"}
    contrib(True)
    assert await ask() == 4
    registry.look_again()  # as at login
    assert await ask() == 2
    contrib(False)
    assert await ask() == 0
    registry.look_again()
    assert await ask() == 2
    registry.undo()
    assert await ask() == 0
    assert not hasattr(vars(asyncpg.Connection)["_execute"], "__wrapped__")
