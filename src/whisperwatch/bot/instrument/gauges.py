"""What is read, not counted: guilds, caches, latencies, and the budgets that Discord gives a bot."""

from __future__ import annotations

import math
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.instrument import identifies
from whisperwatch.bot.instrument.bots import Bot, bot_of, bots
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.recording.recorder import recorder

_TEN_MINUTES_NS = 600 * 1_000_000_000


def read_bots() -> None:
    """Read every watched bot; runs in `ship`'s thread, and touches nothing but lengths and numbers."""
    for client in list(bots):
        bot = bot_of(client)
        if bot.known_name is not None:
            _read(client, bot)


def _read(client: Any, bot: Bot) -> None:
    attributes = {semconv.BOT_NAME: bot.name}
    state = client._connection
    counting(semconv.GUILDS, attributes).set(len(state._guilds))
    counting(semconv.CACHED_USERS, attributes).set(len(state._users))
    counting(semconv.VOICE_CLIENTS, attributes).set(len(state._voice_clients))
    counting(semconv.INVALID_REQUESTS, attributes).set(_recent(bot))
    identifies.renew(bot)
    guilds = _guilds_by_shard(state, bot)
    now = recorder.clock.now()
    for number, shard in list(bot.shards.items()):
        of_shard = {**attributes, semconv.SHARD: number}
        counting(semconv.SHARD_UP, of_shard).set(int(shard.up))
        counting(semconv.SHARD_GUILDS, of_shard).set(guilds.get(number, 0))
        counting(semconv.GATEWAY_LAST_EVENT, of_shard).set(
            (now - shard.last_event_ns) / 1e9 if shard.last_event_ns else 0.0
        )
        latency = latency_of(shard)
        if latency is not None:
            counting(semconv.GATEWAY_LATENCY, of_shard).set(latency)


def latency_of(shard: Any) -> float | None:
    """Seconds from the last heartbeat to its answer; None before there was one."""
    latency = shard.socket.latency if shard.socket is not None else math.inf
    return latency if math.isfinite(latency) else None


def _recent(bot: Bot) -> int:
    oldest = recorder.clock.now() - _TEN_MINUTES_NS
    times = bot.invalid_requests
    while times and times[0] < oldest:
        times.popleft()
    return len(times)


def _guilds_by_shard(state: Any, bot: Bot) -> dict[int, int]:
    if len(bot.shards) <= 1:
        return dict.fromkeys(bot.shards, len(state._guilds))
    counts: dict[int, int] = {}
    total = state.shard_count or 1
    for guild_id in list(state._guilds):
        number = (guild_id >> 22) % total
        counts[number] = counts.get(number, 0) + 1
    return counts
