"""REST: each attempt and the whole, waiting apart from Discord's own time, budgets, routes without ids or tokens."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from types import SimpleNamespace as Thing

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.http import Route
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.bots import bot_of
from whisperwatch.bot.instrument.gauges import read_bots
from whisperwatch.bot.instrument.rest import _is_seen
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.demo.loopback import GuildPlan, Limit, Limits, LoopbackDiscord

MESSAGES = "/channels/{channel_id}/messages"


@pytest.fixture
def connected(server, run, bot):
    """The bot, connected, and its first channel, inside a block."""

    @contextlib.asynccontextmanager
    async def connect(on=server):
        async with run(on, bot):
            yield bot.get_channel(on.channel().id)

    return connect


def posts(tape):
    return [span for span in tape.spans() if span.name == f"POST {MESSAGES}"]


def durations(tape):
    return tape.cells(semconv.HTTP_DURATION, method="POST", route=MESSAGES)


async def test_what_a_start_asks_discord_is_measured_though_the_name_comes_later(connected, tape, expected):
    async with connected():
        pass
    assert tape.show("GET /users/@me", "GET /oauth2/applications/@me", "GET /gateway/bot") == expected(
        """
        GET /users/@me (client) method=GET route=/users/@me status=200 server=127.0.0.1
        GET /oauth2/applications/@me (client) method=GET route=/oauth2/applications/@me status=200 server=127.0.0.1
        """
    )
    assert tape.cells(semconv.HTTP_DURATION) == {
        ("loopback-bot", "GET", "/users/@me", 200): 1,
        ("loopback-bot", "GET", "/oauth2/applications/@me", 200): 1,
    }


async def test_a_request_inside_a_span_is_its_child(connected, tape, expected):
    async with connected() as channel:
        with trace.get_tracer("lib").start_as_current_span("mine"):
            await channel.send("x")
    assert tape.show("mine") == expected(
        f"""
        mine
          POST {MESSAGES} (client) method=POST route={MESSAGES} status=200 server=127.0.0.1
        """
    )


async def test_an_emptied_bucket_s_wait_is_no_time_of_discord_s(run, bot, tape):
    limits = Limits(routes={("POST", MESSAGES): Limit(1, 0.3)})
    async with LoopbackDiscord(limits=limits) as server, run(server, bot):
        channel = bot.get_channel(server.channel().id)
        began = time.monotonic()
        await channel.send("one")
        await channel.send("two")
        took = time.monotonic() - began
    assert took >= 0.3
    assert durations(tape) == {("loopback-bot", 200): 2}
    assert tape.seconds(semconv.HTTP_DURATION, route=MESSAGES) < 0.2
    waited = tape.seconds(semconv.HTTP_WAIT, route=MESSAGES)
    assert 0.25 <= waited <= took
    assert sum(span.attributes.get(semconv.RATELIMIT_WAIT, 0) for span in posts(tape)) == pytest.approx(
        waited
    )
    assert tape.cells(semconv.HTTP_RATELIMITED) == {}
    assert not any(span.failed for span in posts(tape))


async def test_requests_that_wait_for_the_bucket_wait_each(run, bot, tape):
    limits = Limits(routes={("POST", MESSAGES): Limit(2, 0.8)})
    async with LoopbackDiscord(limits=limits) as server, run(server, bot):
        channel = bot.get_channel(server.channel().id)
        await channel.send("0")
        await asyncio.gather(*(channel.send(str(n)) for n in range(1, 4)))
    assert durations(tape) == {("loopback-bot", 200): 4}
    assert tape.cells(semconv.HTTP_WAIT, route=MESSAGES)[("loopback-bot", "POST")] >= 2
    assert tape.seconds(semconv.HTTP_DURATION, route=MESSAGES) < 0.8 <= tape.seconds(semconv.HTTP_WAIT) * 1.2


async def test_the_wait_after_a_reply_is_no_response_time(run, bot, tape, settle):
    @bot.command()
    async def ping(ctx):
        await ctx.send("pong")

    limits = Limits(routes={("POST", MESSAGES): Limit(1, 0.4)})
    async with LoopbackDiscord(limits=limits) as server, run(server, bot):
        await server.reply_to(await server.user("ada").say("!ping"))
    assert tape.seconds(semconv.RESPONSE_TIME) < 0.3 <= tape.seconds(semconv.COMMAND_DURATION)


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_a_429_is_waited_for_and_sent_again(connected, server, tape, scope, bot):
    async with connected() as channel:
        with server.faults.storm(scope, retry_after=0.2, route=MESSAGES, count=2):
            await channel.send("x")
        read_bots()
    assert durations(tape) == {("loopback-bot", 429): 2, ("loopback-bot", 200): 1}
    assert tape.cells(semconv.HTTP_RATELIMITED) == {("loopback-bot", "POST", MESSAGES, scope): 2}
    assert tape.cells(semconv.HTTP_RETRIES) == {("loopback-bot", "POST", MESSAGES, "ratelimited"): 2}
    assert tape.seconds(semconv.HTTP_DURATION, route=MESSAGES) < 0.2
    assert tape.cells(semconv.HTTP_WAIT) == {("loopback-bot", "POST", MESSAGES): 1}
    (span,) = posts(tape)
    assert 0.4 <= tape.seconds(semconv.HTTP_WAIT) <= (span.end - span.start) / 1e9
    assert not span.failed
    assert span.attributes[semconv.RESEND_COUNT] == 2
    assert span.attributes[semconv.STATUS_CODE] == 200
    assert span.attributes[semconv.RATELIMIT_WAIT] == pytest.approx(tape.seconds(semconv.HTTP_WAIT))
    assert tape.cells(semconv.INVALID_REQUESTS) == ({} if scope == "shared" else {("loopback-bot",): 2})


async def test_those_who_wait_for_a_global_limit_wait_too(connected, server, tape, bot):
    async with connected() as channel:
        with server.faults.storm("global", retry_after=0.3, route=MESSAGES, count=1):
            first = asyncio.create_task(channel.send("x"))
            await server.until(lambda: not bot.http._global_over.is_set())
            await bot.fetch_channel(channel.id)
        await first
    assert tape.cells(semconv.HTTP_WAIT) == {
        ("loopback-bot", "POST", MESSAGES): 1,
        ("loopback-bot", "GET", "/channels/{channel_id}"): 1,
    }
    assert tape.seconds(semconv.HTTP_DURATION, route="/channels/{channel_id}") < 0.2


async def test_a_ban_by_cloudflare(connected, server, tape):
    async with connected() as channel:
        with (
            server.faults.storm("cloudflare", route=MESSAGES, count=1),
            pytest.raises(discord.HTTPException) as raised,
        ):
            await channel.send("x")
        read_bots()
    assert raised.value.status == 429
    assert tape.cells(semconv.HTTP_RATELIMITED) == {("loopback-bot", "POST", MESSAGES, "cloudflare"): 1}
    assert tape.cells(semconv.INVALID_REQUESTS) == {("loopback-bot",): 1}
    (span,) = posts(tape)
    assert span.failed
    assert span.attributes[semconv.ERROR_TYPE] == "discord.errors.HTTPException"


async def test_forbidden_requests_spend_the_budget_and_others_don_t(
    connected, server, tape, bot, monkeypatch
):
    async with connected() as channel:
        for status, error in (
            (403, discord.Forbidden),
            (404, discord.NotFound),
            (400, discord.HTTPException),
        ):
            with server.faults.errors(status, route=MESSAGES, count=1), pytest.raises(error):
                await channel.send("x")
        read_bots()
        assert tape.cells(semconv.INVALID_REQUESTS) == {("loopback-bot",): 1}
        kept = watching.bot_of(bot).invalid_requests
        kept.appendleft(kept.popleft() - 601 * 10**9)
        read_bots()
    assert tape.cells(semconv.INVALID_REQUESTS) == {}, "only ten minutes count"
    assert durations(tape) == {("loopback-bot", s): 1 for s in (403, 404, 400)}
    assert [span.attributes[semconv.STATUS_CODE] for span in posts(tape)] == [403, 404, 400]


@pytest.fixture
def impatient(monkeypatch):
    """discord.py's pauses after a failure of Discord's are nothing."""
    plain = asyncio.sleep

    async def sleep(delay, result=None):
        return await plain(0 if delay >= 1 else delay, result)

    monkeypatch.setattr(asyncio, "sleep", sleep)


async def test_errors_of_discord_s_are_sent_again(connected, server, tape, impatient):
    async with connected() as channel:
        with server.faults.errors(502, route=MESSAGES, count=2):
            await channel.send("x")
    assert durations(tape) == {("loopback-bot", 502): 2, ("loopback-bot", 200): 1}
    assert tape.cells(semconv.HTTP_RETRIES) == {("loopback-bot", "POST", MESSAGES, "server_error"): 2}
    assert tape.cells(semconv.HTTP_WAIT) == {}, "that is no rate limit"
    (span,) = posts(tape)
    assert (span.failed, span.attributes[semconv.RESEND_COUNT]) == (False, 2)


async def test_errors_of_discord_s_without_end(connected, server, tape, impatient):
    async with connected() as channel:
        with server.faults.errors(500, route=MESSAGES), pytest.raises(discord.DiscordServerError):
            await channel.send("x")
    assert durations(tape) == {("loopback-bot", 500): 5}
    (span,) = posts(tape)
    assert span.failed
    assert span.attributes == {
        semconv.METHOD: "POST", semconv.ROUTE: MESSAGES, semconv.SERVER_ADDRESS: "127.0.0.1",
        semconv.STATUS_CODE: 500, semconv.RESEND_COUNT: 4, semconv.ERROR_TYPE: "discord.errors.DiscordServerError",
    }  # fmt: skip


async def test_a_connection_that_is_reset(connected, server, tape, impatient):
    async with connected() as channel:
        with server.faults.resets(route=MESSAGES), pytest.raises(aiohttp.ClientError) as raised:
            await channel.send("x")
    assert durations(tape) == {("loopback-bot", "error"): 1}
    (span,) = posts(tape)
    assert span.failed
    assert span.attributes[semconv.ERROR_TYPE] == (f"aiohttp.client_exceptions.{type(raised.value).__name__}")
    assert semconv.STATUS_CODE not in span.attributes


async def test_a_reset_connection_is_tried_again_where_discord_py_does(
    connected, server, tape, impatient, monkeypatch
):
    """discord.py knows the error by its number on Windows and macOS."""
    plain = aiohttp.ClientSession._request
    left = [ConnectionResetError(54, "reset")]

    async def request(self, method, url, **kwargs):
        if method == "POST" and left:
            raise left.pop()
        return await plain(self, method, url, **kwargs)

    async with connected() as channel:
        monkeypatch.setattr(aiohttp.ClientSession, "_request", request)
        await channel.send("x")
    assert durations(tape) == {("loopback-bot", "error"): 1, ("loopback-bot", 200): 1}
    assert tape.cells(semconv.HTTP_RETRIES) == {("loopback-bot", "POST", MESSAGES, "connection"): 1}


async def test_a_cancelled_request(connected, server, tape):
    async with connected() as channel:
        with server.faults.slow(5, route=MESSAGES):
            task = asyncio.create_task(channel.send("x"))
            await server.until(lambda: server.core.faults.running)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert [span.name for span in posts(tape)] == [f"POST {MESSAGES}"]


async def test_routes_never_hold_ids_or_tokens(server, run, bot, tape, settle):
    secret = "Aa1" * 20

    @bot.tree.command()
    async def ask(press: discord.Interaction):
        await press.response.defer()
        await press.followup.send("answer")
        await press.edit_original_response(content="changed")
        await press.followup.send("more", file=discord.File(io.BytesIO(b"x"), "f.txt"))
        await press.delete_original_response()

    async with run(server, bot):
        channel = bot.get_channel(server.channel().id)
        message = await channel.send("x")
        await message.add_reaction("👍")
        await message.edit(content="y")
        await message.delete()
        for path in (f"/guilds/{server.guild().id}/onboarding", f"/odd/{secret}/{server.guild().id}?x=1"):
            with pytest.raises(discord.HTTPException):
                await bot.http.request(Route("GET", path))
        interaction = await server.user("ada").slash("ask")
        await server.until(lambda: interaction.response and interaction.response.deleted)
    routes = {cell.attributes[semconv.ROUTE] for cell in tape.recorder.instrument(semconv.HTTP_DURATION)}
    assert {"/guilds/{id}/onboarding", "/odd/{token}/{id}"} <= routes
    told = " ".join(routes) + " ".join(
        str(s.name) + str(s.attributes.get(semconv.ROUTE)) for s in tape.spans()
    )
    assert secret not in told
    for each in (
        server.guild().id,
        channel.id,
        message.id,
        interaction.id,
        interaction.token,
        bot.application_id,
    ):
        assert str(each) not in told


async def test_interaction_responses_and_followups(server, run, bot, tape, expected):
    @bot.tree.command()
    async def ask(press: discord.Interaction):
        await press.response.defer()
        await asyncio.sleep(0.05)
        await press.followup.send("answer")

    @bot.tree.command()
    async def chart(press: discord.Interaction):
        await press.response.send_message(file=discord.File(io.BytesIO(b"x"), "f.txt"))

    @bot.tree.command()
    async def shy(press: discord.Interaction):
        await press.response.defer(ephemeral=True)

    async with run(server, bot):
        ada = server.user("ada")
        await server.reply_to(await ada.slash("ask"))
        await server.reply_to(await ada.slash("chart"))
        await (await ada.slash("shy")).answered()
    callback = "/interactions/{webhook_id}/{webhook_token}/callback"
    hook = "/webhooks/{webhook_id}/{webhook_token}"
    root = "interaction (consumer) bot=loopback-bot event=interaction shard=0 guild=guild-0 channel=general user=ada"
    command = "command {0} bot=loopback-bot command={0} kind=slash outcome=ok"
    status = 200 if discord.version_info >= (2, 5) else 204  # newer ones ask what became of it
    call = f"POST {callback} (client) method=POST route={callback} status={status} server=127.0.0.1"
    assert tape.show("interaction") == expected(
        f"""
        {root}
          {command.format("ask")}
            {call}
            POST {hook} (client) method=POST route={hook} status=200 server=127.0.0.1
        {root}
          {command.format("chart")}
            {call}
        {root}
          {command.format("shy")}
            {call}
        """
    )
    assert tape.cells(semconv.RESPONSE_TIME) == {("loopback-bot", "interaction"): 2}, "a deferral is no reply"
    assert tape.seconds(semconv.RESPONSE_TIME) >= 0.05
    assert tape.cells(semconv.MESSAGES_HANDLED) == {("loopback-bot", "interaction"): 3}


async def test_webhooks_with_a_session_of_the_user_s(server, run, bot, tape):
    async with run(server, bot), aiohttp.ClientSession() as session:
        own = session.request
        channel = bot.get_channel(server.channel().id)
        made = await channel.create_webhook(name="hook")
        hook = discord.Webhook.partial(made.id, made.token, session=session)
        await hook.send("through the hook", wait=True)
        async with session.get(f"http://{server.core.host}/api/v10/gateway") as other:
            assert other.status == 200
        async with session.request("GET", f"http://{server.core.host}/api/v10/gateway") as other:
            assert other.status == 200
        assert (await session.request("GET", f"http://{server.core.host}/api/v10/gateway")).status == 200
        assert tape.cells(
            semconv.HTTP_DURATION, method="POST", route="/webhooks/{webhook_id}/{webhook_token}"
        ) == {("loopback-bot", 200): 1}
        assert tape.cells(semconv.HTTP_DURATION, route="/gateway") == {}
        watching.uninstrument()
        assert session.request == own


async def test_a_webhook_s_emptied_bucket(run, bot, tape):
    route = "/webhooks/{webhook_id}/{webhook_token}"
    async with (
        LoopbackDiscord(limits=Limits(routes={("POST", route): Limit(1, 0.3)})) as server,
        run(server, bot),
    ):
        hook = await bot.get_channel(server.channel().id).create_webhook(name="hook")
        await asyncio.gather(hook.send("1", wait=True), hook.send("2", wait=True))
    assert tape.cells(semconv.HTTP_WAIT, route=route) == {("loopback-bot", "POST"): 2}
    assert (
        tape.seconds(semconv.HTTP_DURATION, route=route)
        < 0.25
        <= tape.seconds(semconv.HTTP_WAIT, route=route)
    )
    assert tape.cells(semconv.HTTP_RATELIMITED) == {}


async def test_identifies_left(connected, server, tape):
    async with connected():
        await server.until(lambda: tape.cells(semconv.IDENTIFY_LIMIT))
    assert tape.cells(semconv.IDENTIFY_LIMIT) == {("loopback-bot",): 1000}
    assert tape.cells(semconv.IDENTIFY_REMAINING) == {("loopback-bot",): 999}
    assert server.ledger.requested("/gateway/bot") == 1


async def test_each_identify_is_one_less_until_the_day_is_over(connected, server, tape, bot, monkeypatch):
    async with connected():
        await server.until(lambda: tape.cells(semconv.IDENTIFY_LIMIT))
        for left in (998, 997):
            await server.invalidate()
            await server.until(
                lambda left=left: tape.cells(semconv.IDENTIFY_REMAINING)["loopback-bot",] == left
            )
        assert server.core.gateway.identifies_left == 997
        bot_of(bot).identifies_until_ns = 1
        recorder.collect()
        assert tape.cells(semconv.IDENTIFY_REMAINING) == {("loopback-bot",): 1000}
    assert server.ledger.requested("/gateway/bot") == 1


@pytest.mark.parametrize(
    ("where", "replies"), [("random", 0), ("to the owner", 0), ("in private", 1), ("there", 1)]
)
async def test_only_what_who_asked_can_see_is_a_reply(run, bot, tape, settle, where, replies):
    @bot.command()
    async def ask(ctx):
        if where == "random":
            await discord.utils.get(ctx.guild.channels, name="random").send("somebody asks")
        elif where == "to the owner":
            await discord.utils.get(ctx.guild.members, name="grace").send("somebody asks")
        elif where == "in private":
            await ctx.author.send("psst")
        else:
            await ctx.send("here")

    plan = GuildPlan("Guild", ("general", "random"), (), "owner")
    async with LoopbackDiscord([plan], people=["ada", "grace"]) as server, run(server, bot):
        await server.user("ada").say("!ask")
        await settle(server, bot)
    assert tape.cells(semconv.RESPONSE_TIME) == ({("loopback-bot", "message"): 1} if replies else {})


@pytest.mark.parametrize(
    ("thread", "seen"), [(Thing(parent_id=1), True), (Thing(parent_id=3), False), (None, False)]
)
def test_a_thread_of_the_channel_is_seen(bot, thread, seen):
    subject = Thing(id=9, channel=Thing(id=1), guild=Thing(get_thread={2: thread}.get))
    assert _is_seen(bot_of(bot), subject, 2) is seen


async def test_an_uninstrumented_session_is_discord_py_s_own(connected, bot, tape):
    async with connected() as channel:
        await channel.send("x")
        session = bot.http._HTTPClient__session
        assert "request" in vars(session)
        watching.uninstrument()
        assert "request" not in vars(session)
        before = durations(tape)
        await channel.send("x")
        assert durations(tape) == before


async def test_app_commands_in_direct_messages_answer(server, run, bot, tape):
    @bot.tree.command()
    @app_commands.allowed_contexts(guilds=True, dms=True)
    async def secret(press: discord.Interaction):
        await press.response.send_message("hush")

    async with run(server, bot):
        ada = server.user("ada")
        await server.reply_to(await ada.slash("secret", ada.direct_channel))
    assert semconv.GUILD_ID not in tape.root("interaction").attributes
