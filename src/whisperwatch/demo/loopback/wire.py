"""What Discord's JSON is made of: snowflakes, times, compact text, and which shard a guild belongs to."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]
"""An object of Discord's JSON."""

DISCORD_EPOCH_MS = 1420070400000


_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class Snowflakes:
    """Gives out ids as Discord does: the time in the upper bits, unique and rising."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        now = (int(time.time() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return self._last


def shard_of(guild_id: int | None, shard_count: int) -> int:
    """The shard that hears of a guild; direct messages (None) belong to shard 0."""
    return 0 if guild_id is None else (guild_id >> 22) % shard_count


def timestamp(seconds: float | None = None) -> str:
    """ISO 8601 in UTC with microseconds, as Discord writes it. `seconds` since 1970, default now."""
    at = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="microseconds")


def text_of(data: object) -> str:
    """Compact JSON text."""
    return _encoder.encode(data)


def gateway_text(event: str, sequence: int, body: str) -> str:
    """The frame of a dispatched event around `body`, its data as JSON text."""
    return f'{{"t":"{event}","s":{sequence},"op":0,"d":{body}}}'
