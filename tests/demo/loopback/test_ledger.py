"""The ledger: exact counts, bounded entries, and questions."""

from __future__ import annotations

import asyncio

import pytest

from whisperwatch.demo.loopback import Limits, LoopbackDiscord
from whisperwatch.demo.loopback.ledger import Ledger, Request


def test_counts_outlive_entries():
    ledger = Ledger(kept=3)
    for number in range(10):
        ledger.event(number % 2, "s", "MESSAGE_CREATE", number)
        ledger.request(
            Request(0.0, "GET", "/users/@me", "/users/@me", 200 if number else 429, 0.1, None, None)
        )
    assert len(ledger.events) == 3
    assert ledger.sent() == 10
    assert ledger.sent("MESSAGE_CREATE", shard=1) == 5
    assert ledger.sent("READY") == 0
    assert ledger.requested("/users/@me", status=429) == 1


async def test_who_is_cancelled_at_a_change_ends():
    ledger = Ledger()
    waiting = asyncio.create_task(ledger.change(60))
    await asyncio.sleep(0)
    ledger.event(0, "s", "MESSAGE_CREATE", 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_messages_beyond_what_is_kept_are_forgotten():
    async with LoopbackDiscord(kept=5, limits=Limits.none()) as server:
        for number in range(20):
            await server.user("ada").say(str(number))
        assert [m.content for m in server.core.world.history(server.channel())] == [
            "15",
            "16",
            "17",
            "18",
            "19",
        ]
        assert server.ledger.message_counts == {"people": 20}


async def test_the_ledger_tells_all_as_json(server, bot):
    @bot.tree.command()
    async def greet(press):
        await press.response.send_message("hi")

    async with server.running(bot):
        await server.reply_to(await server.user("ada").say("!ping"))
        await server.reply_to(await server.user("ada").slash("greet"))
    told = server.ledger.payload(entries=True)
    assert told["messages"] == {"people": 1, "bot": 2}
    assert told["interactions"] == [["slash", "greet", 1]]
    assert told["entries"]["interactions"][0]["replies"][0]["content"] == "hi"
    assert {entry["what"] for entry in told["entries"]["connections"]} >= {"identify", "ready", "left"}
    assert all(entry["duration"] >= 0 for entry in told["entries"]["requests"])
    [interaction] = server.ledger.answered("slash")
    assert interaction.sent_at <= interaction.replied_at <= interaction.answered_at
