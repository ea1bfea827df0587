"""Runs a real client against a loopback Discord for the length of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import discord

from whisperwatch.demo.loopback.pointing import pointing

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.server import LoopbackDiscord

STOP_SECONDS = 5.0


@asynccontextmanager
async def running(
    server: LoopbackDiscord, client: discord.Client, shards: int | None, timeout: float
) -> AsyncIterator[None]:
    """See `LoopbackDiscord.running`."""
    wanted = shards or _shards(server, client)

    def connected() -> bool:
        return start.done() or (len(server.live_shards()) >= wanted and _knows_its_guilds(server, client))

    with pointing(server):
        start = asyncio.create_task(client.start(server.token))
        try:
            await server.until(connected, timeout, "the bot is connected and knows its guilds")
            if start.done():
                start.result()
                raise RuntimeError("the client stopped before it was connected")
            yield
        finally:
            await client.close()
            await asyncio.wait([start], timeout=STOP_SECONDS)
            start.cancel()
            await asyncio.wait([start])
    if not start.cancelled():
        start.result()


def _shards(server: LoopbackDiscord, client: discord.Client) -> int:
    if isinstance(client, discord.AutoShardedClient):
        return len(client.shard_ids or ()) or client.shard_count or server.core.shards
    return 1


def _knows_its_guilds(server: LoopbackDiscord, client: discord.Client) -> bool:
    """A frame that was sent may still be on its way: only the client can say that it has READY."""
    known = {guild.id for guild in client.guilds if not (guild.unavailable and client.intents.guilds)}
    return all(
        guild.id in known
        for session in server.core.gateway.sessions.values()
        if session.live
        for guild in server.core.gateway.guilds_of(session)
    )
