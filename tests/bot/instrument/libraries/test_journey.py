"""What a command asks of its servers lies under the message that called it: a real bot, real servers."""

from __future__ import annotations

from typing import Any

import asyncpg
from discord.ext import commands
from redis.asyncio import Redis

from whisperwatch import semconv
from whisperwatch.demo.loopback import LoopbackDiscord


def tree(span: Any) -> Any:
    return (span.name, [tree(child) for child in span.children]) if span.children else span.name


async def test_calls_lie_under_the_command_and_the_message(
    server: LoopbackDiscord, run: Any, make_bot: Any, tape: Any, settle: Any, postgres: str, redis_url: str
) -> None:
    bot = make_bot()
    redis = Redis.from_url(redis_url, decode_responses=True)

    @bot.command()
    async def recall(ctx: commands.Context[Any]) -> None:
        mood = await redis.get("mood")
        found = await bot.pool.fetchval("SELECT 'secret' || $1", "!")
        await redis.set("mood", found)
        await ctx.send(mood or "none")

    @bot.command()
    async def swallow(ctx: commands.Context[Any]) -> None:
        try:
            await bot.pool.execute("SELECT nothing FROM nowhere")
        except asyncpg.UndefinedTableError:
            await ctx.send("something went wrong")

    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as bot.pool, run(server, bot):
        for text in ("!recall", "!swallow"):
            await server.user("ada").say(text)
            await settle(server, bot)
    await redis.aclose()

    spans = [tree(root) for root in tape.roots("message")]
    rest = "POST /channels/{channel_id}/messages"
    assert spans == [
        ("message", [("command recall", ["GET", "SELECT", "SET", rest])]),
        ("message", [("command swallow", ["SELECT nowhere", rest])]),
    ]
    failed = next(span for root in tape.roots("message") for span in root.walk() if span.failed)
    assert failed.attributes[semconv.DB_STATUS_CODE] == "42P01"
    assert "secret" not in repr(tape.taken)
