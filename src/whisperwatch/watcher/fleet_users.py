"""Active users of a fleet: each watcher adds the hashes that it saw to a HyperLogLog a day in Redis, and all count the
union. Ten thousand users or ten million take 12 kB a day. Who came back is what two times have in common: the users of
both, less those of their union, within some per cent of the larger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from whisperwatch.watcher.user_counts import UserCounts, compared

_log = logging.getLogger("whisperwatch.watcher")
_DAY_S: Final = 86_400
_TIMEOUT_S: Final = 5.0
_MOST_WAITING: Final = 200_000
_A_COMMAND: Final = 1000


class FleetUsers:
    """Adds and counts by Redis; for the watcher's loop alone. Where Redis fails, what was seen waits, bounded.

    Args:
        url: of the Redis server, as redis-py reads it.
        service: keeps the bots of one server apart.
        windows: days of each window, by its name.
    """

    def __init__(self, url: str, service: str, windows: Mapping[str, int]) -> None:
        self._url, self._windows = url, windows
        self._key = f"whisperwatch:users:{service}"
        self._waiting: dict[int, set[str]] = {}
        self._redis: Any = None
        self._failing = False

    def saw(self, day: int, hashes: Iterable[str]) -> None:
        """These users were active on this day (days since 1970, UTC)."""
        for one in hashes:
            if sum(map(len, self._waiting.values())) >= _MOST_WAITING:
                return
            self._waiting.setdefault(day, set()).add(one)

    async def count(self, today: int) -> UserCounts | None:
        """The fleet's counts; None while Redis doesn't answer."""
        try:
            counts = await self._count(today)
        except Exception as error:
            if not self._failing:
                _log.warning(
                    "the fleet's active users can't be counted by Redis (%s); this machine's own are",
                    type(error).__name__,
                )
            self._failing = True
            return None
        if self._failing:
            _log.warning("the fleet's active users are counted by Redis again")
        self._failing = False
        return counts

    async def _count(self, today: int) -> UserCounts:
        redis = self._redis = self._redis or self._connect()
        for day, hashes in list(self._waiting.items()):
            await self._add(redis, day, sorted(hashes))
            del self._waiting[day]
        active = {
            window: await self._of(range(today - days + 1, today + 1))
            for window, days in self._windows.items()
        }
        before, returned = {}, {}
        for window, first, second in compared(today):
            there, later = await self._of(first), await self._of(second)
            both = there + later - await self._of(range(first.start, second.stop))
            before[window], returned[window] = there, min(max(both, 0), there, later)
        return UserCounts(active, before, returned)

    async def _of(self, days: range) -> int:
        return int(await self._redis.pfcount(*map(self._key_of, days)))

    async def _add(self, redis: Any, day: int, hashes: list[str]) -> None:
        key = self._key_of(day)
        for start in range(0, len(hashes), _A_COMMAND):
            await redis.pfadd(key, *hashes[start : start + _A_COMMAND])
        await redis.expire(key, (max(self._windows.values()) + 1) * _DAY_S)

    def _key_of(self, day: int) -> str:
        return f"{self._key}:{day}"

    def _connect(self) -> Any:
        return import_module("redis.asyncio").Redis.from_url(
            self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        )

    async def close(self) -> None:
        """Hang up."""
        if self._redis is not None:
            await self._redis.aclose()
