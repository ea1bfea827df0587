"""Faults, and how discord.py lives through them."""

from __future__ import annotations

import asyncio
import random

import aiohttp
import discord
import pytest

from whisperwatch.demo.loopback.faults import Faults

MESSAGES = "/channels/{channel_id}/messages"


@pytest.fixture
async def general(server, bot):
    """The bot's channel; the bot's pauses before a retry are skipped."""
    async with server.running(bot):
        await server.until(bot.is_ready)
        yield bot.get_channel(server.channel("general").id)


@pytest.fixture
def no_pauses(monkeypatch):
    real = asyncio.sleep
    monkeypatch.setattr("discord.http.asyncio.sleep", lambda seconds, *args: real(0, *args))


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_a_storm_of_429s_is_waited_out(server, general, scope):
    with server.faults.storm(scope, retry_after=0.02, count=2, route=MESSAGES):
        await general.send("through")
    assert server.ledger.requested(MESSAGES, "POST", 429) == 2
    assert server.ledger.requested(MESSAGES, "POST", 200) == 1
    assert server.ledger.scope_counts == {scope: 2}
    refused = next(r for r in server.ledger.requests if r.status == 429)
    assert (refused.scope, refused.retry_after) == (scope, 0.02)


async def test_a_ban_by_cloudflare_is_given_up_on(server, general):
    with server.faults.storm("cloudflare"), pytest.raises(discord.HTTPException) as error:
        await general.send("no way")
    assert error.value.status == 429
    assert "Error 1015" in error.value.text
    assert server.ledger.scope_counts == {"cloudflare": 1}


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_server_errors_are_retried(server, general, no_pauses, status):
    with server.faults.errors(status, count=3):
        await general.send("at last")
    assert server.ledger.requested(MESSAGES, "POST", status) == 3
    assert server.ledger.requested(MESSAGES, "POST", 200) == 1


async def test_server_errors_without_end(server, general, no_pauses):
    with server.faults.errors(503), pytest.raises(discord.DiscordServerError):
        await general.send("never")


async def test_a_reset_connection(server, general):
    with server.faults.resets(count=1), pytest.raises((aiohttp.ClientError, ConnectionError)):
        await general.send("lost")
    assert server.ledger.requested(MESSAGES, "POST", 0) == 1
    await general.send("found")


async def test_slow_answers_take_their_time(server, general):
    with server.faults.slow(0.05, route=MESSAGES):
        await general.send("slow")
    await general.send("fast")
    slow, fast = (r.duration for r in server.ledger.requests if r.route == MESSAGES)
    assert slow >= 0.05
    assert fast < slow


async def test_faults_add_up(server, general):
    with server.faults.slow(0.03), server.faults.storm("user", retry_after=0.01, count=1):
        await general.send("slow and refused, then slow")
    refused, sent = (r for r in server.ledger.requests if r.route == MESSAGES)
    assert (refused.status, sent.status) == (429, 200)
    assert min(refused.duration, sent.duration) >= 0.03


async def test_a_fault_of_interactions(server, bot):
    @bot.tree.command()
    async def greet(press: discord.Interaction):
        await press.response.send_message("hi")

    async with server.running(bot):
        with server.faults.storm("user", retry_after=0.01, count=1):
            interaction = await server.user("ada").slash("greet")
            assert (await server.reply_to(interaction)).content == "hi"
    callback = "/interactions/{webhook_id}/{webhook_token}/callback"
    assert server.ledger.requested(callback, "POST", 429) == 1


def test_a_share_of_requests_by_a_seeded_die():
    faults = Faults(seed=1)
    fault = faults.errors(share=0.25)
    hits = sum(fault.strikes("GET", "/", random.Random(number)) for number in range(1000))
    assert 200 < hits < 300
    assert not faults.errors(method="POST").strikes("GET", "/", random.Random(0))


def test_faults_start_and_stop_by_name():
    faults = Faults()
    slow = faults.start("slow", seconds=2.0, route=MESSAGES)
    faults.start("silence", shard=1)
    assert faults.deaf(1)
    assert not faults.deaf(0)
    slow.stop()
    slow.stop()
    assert len(faults.running) == 1
    faults.stop()
    assert not faults.deaf(1)
    with pytest.raises(ValueError, match="no fault 'plague'; there are"):
        faults.start("plague")
    with pytest.raises(TypeError, match="colour"):
        faults.start("slow", seconds=1.0, colour="red")
