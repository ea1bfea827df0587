"""What the instrumentations hand over is enough for the watcher to ask, and its asking is none of the bot's doing: also
where the watcher is a thread of the bot, under the same patches."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from whisperwatch.watcher.health.probes.prober import Prober, Timing
from whisperwatch.watcher.records import Endpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_watcher_asks_what_the_bot_used_and_leaves_no_trace(
    records: Any, postgres: str, redis_url: str
) -> None:
    connection = await asyncpg.connect(postgres)
    await connection.close()
    async with Redis.from_url(redis_url) as client:
        await client.ping()
    used = [Endpoint(system, arguments) for system, arguments in records.endpoints()]
    assert {endpoint.system for endpoint in used} == {"postgresql", "redis"}
    assert records.spans()

    asking = Prober(lambda: used, Timing(0.05, timeout_s=10.0, attempts=1))
    asking.tend()
    async with asyncio.timeout(20):
        while [probe.verdict.status for probe in asking.probes] != ["healthy", "healthy"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    asking.stop()
    await asyncio.sleep(0.05)
    assert records.names() == []
    assert [Endpoint(system, arguments) for system, arguments in records.endpoints()] == used
