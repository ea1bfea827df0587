from __future__ import annotations

import psutil
import pytest
from redis.asyncio import Redis as Client
from redis.exceptions import ConnectionError as RedisConnectionError

from whisperwatch.demo.backends import redis
from whisperwatch.demo.backends.redis import Redis
from whisperwatch.demo.home import Home
from whisperwatch.demo.problem import DemoError


async def test_it_keeps_values_for_their_time_and_leaves_nothing_behind(home: Home) -> None:
    server = Redis(home)
    await server.start()
    async with Client.from_url(server.environment()["REDIS_URL"], decode_responses=True) as client:
        await client.set("answer", "42", ex=60)
        assert await client.get("answer") == "42"
        assert 0 < await client.ttl("answer") <= 60
        pid = int((await client.info("server"))["process_id"])
    await server.stop()
    assert not psutil.pid_exists(pid)
    async with Client.from_url(server.url) as client:
        with pytest.raises(RedisConnectionError):
            await client.ping()


async def test_a_taken_port_says_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Redis(home)
    await first.start()
    monkeypatch.setattr(redis, "free_port", lambda: first._port)
    second = Redis(home)
    second._answers = _never  # type: ignore[method-assign]
    with pytest.raises(DemoError, match=r"redis ended with status 1: .*[Aa]ddress already in use"):
        await second.start()
    await second.stop()
    await first.stop()


async def _never() -> bool:
    return False
