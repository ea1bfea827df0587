"""Rate limits: the headers, the enforcement, and what discord.py makes of them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from whisperwatch.demo.loopback import Limit, Limits, LoopbackDiscord
from whisperwatch.demo.loopback.ratelimits import RateLimits

MESSAGES = "/channels/{channel_id}/messages"


def take(limits, channel="1", bound=True):
    return limits.take("POST", MESSAGES, {"channel_id": channel}, bound=bound)


def test_a_bucket_counts_down_and_refuses():
    limits = RateLimits(Limits(Limit(2, 60.0)))
    first, second, third = take(limits), take(limits), take(limits)
    assert [v.headers["X-RateLimit-Remaining"] for v in (first, second, third)] == ["1", "0", "0"]
    assert first.retry_after is None
    assert second.retry_after is None
    assert 59 < third.retry_after <= 60
    assert not third.overall


def test_each_major_parameter_has_a_bucket_of_its_own():
    limits = RateLimits(Limits(Limit(1, 60.0)))
    one, other = take(limits, "1"), take(limits, "2")
    assert one.headers["X-RateLimit-Bucket"] == other.headers["X-RateLimit-Bucket"]
    assert other.retry_after is None
    assert take(limits, "1").retry_after is not None


def test_a_window_ends(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("whisperwatch.demo.loopback.ratelimits.time.monotonic", lambda: now[0])
    limits = RateLimits(Limits(Limit(1, 5.0)))
    take(limits)
    now[0] += 4
    assert take(limits).retry_after == 1.0
    now[0] += 1
    assert take(limits).retry_after is None


def test_the_global_limit_spares_interactions_and_webhooks():
    limits = RateLimits(Limits(None, {}, Limit(1, 60.0)))
    assert take(limits).retry_after is None
    assert take(limits).overall
    assert take(limits, bound=False).retry_after is None


def test_limits_of_routes_and_presets():
    limits = RateLimits(Limits.real())
    assert take(limits).headers["X-RateLimit-Limit"] == "5"
    assert take(RateLimits(Limits.none())).headers == {}


async def test_headers_and_body_of_a_refusal():
    async with LoopbackDiscord(limits=Limits(Limit(1, 30.0))) as server, aiohttp.ClientSession() as session:
        url, headers = f"{server.core.api_url}/users/@me", {"Authorization": f"Bot {server.token}"}
        async with session.get(url, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["X-RateLimit-Remaining"] == "0"
            assert answer.headers["Via"]
        async with session.get(url, headers=headers) as answer:
            body = await answer.json()
            assert answer.status == 429
            assert (body["message"], body["global"]) == ("You are being rate limited.", False)
            assert 29 < body["retry_after"] <= 30
            assert answer.headers["X-RateLimit-Scope"] == "user"
            assert answer.headers["Retry-After"] == "30"
        assert server.ledger.scope_counts == {"user": 1}


async def test_discord_py_waits_before_it_is_refused(make_bot):
    """discord.py reads the headers, so that no 429 ever comes."""
    async with LoopbackDiscord(limits=Limits(None, {("POST", MESSAGES): Limit(3, 0.2)})) as server:
        bot = make_bot()
        async with server.running(bot):
            await server.until(bot.is_ready)
            channel = bot.get_channel(server.channel("general").id)
            for number in range(4):
                await channel.send(str(number))
        assert server.ledger.requested(MESSAGES, "POST", 200) == 4
        assert server.ledger.requested(status=429) == 0
        sent = [r.at for r in server.ledger.requests if r.route == MESSAGES]
        assert sent[3] - sent[0] >= 0.15


@pytest.mark.parametrize("limits", [Limits(None, {}, Limit(6, 0.15))])
async def test_discord_py_retries_after_the_global_limit(make_bot, limits):
    async with LoopbackDiscord(limits=limits) as server:
        bot = make_bot()
        async with server.running(bot):
            await server.until(bot.is_ready)
            channel = bot.get_channel(server.channel("general").id)
            await asyncio.gather(*(channel.send(str(number)) for number in range(10)))
        assert server.ledger.requested(MESSAGES, "POST", 200) == 10
        assert server.ledger.scope_counts["global"] >= 1
