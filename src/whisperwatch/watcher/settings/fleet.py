"""The settings of a bot that runs as many processes on many machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from .reading import Group, setting


def redis_url(given: Any) -> str:
    """The address of a Redis server, as redis-py reads it."""
    text = str(given).strip()
    url = urlsplit(text)
    if url.scheme not in ("redis", "rediss", "unix") or not (url.hostname or url.path):
        raise ValueError("is no address of a Redis server")
    return text


@dataclass(frozen=True, kw_only=True)
class Fleet(Group):
    """What the watchers of one bot on several machines share."""

    title: ClassVar[str] = "A fleet"
    users_redis: str | None = setting(
        "WHISPERWATCH_USERS_REDIS",
        yaml="monitoring.fleet.users_redis",
        default=None,
        parse=redis_url,
        help="A Redis server by which the watchers of all machines count active users together (HyperLogLog: within "
        "1 %). All of them need one `WHISPERWATCH_HASH_KEY`, and the package `redis`.",
        right="an address such as redis://:password@host:6379/0",
        secret=True,
        unset="each machine counts its own, exactly",
    )
