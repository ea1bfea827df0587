"""The gateway: events by shard, connects, resumes and disconnects with their codes, shards, gauges."""

import asyncio

import discord
import pytest
from discord import gateway as discord_gateway

from whisperwatch import semconv
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrument.bots import bot_of
from whisperwatch.bot.instrument.gauges import read_bots
from whisperwatch.demo.loopback import GatewaySettings, LoopbackDiscord


@pytest.fixture
def disconnects(tape):
    """How often connections of the bot were lost, by shard and code."""
    return lambda: tape.cells(semconv.GATEWAY_DISCONNECTS, bot="loopback-bot")


@pytest.fixture
def gauge(tape):
    """A gauge of the bot's, read now."""

    def read(metric):
        read_bots()
        return tape.cells(metric, bot="loopback-bot")

    return read


async def test_events_are_counted_by_name_known_or_not(server, run, bot, tape):
    async with run(server, bot):
        ada = server.user("ada")
        await ada.say("one")
        await ada.say("two")
        await ada.type()
        (session,) = server.core.gateway.sessions.values()
        server.core.gateway.send(session, "SOMETHING_NEW", "{}")
        server.core.gateway.send(session, "SOMETHING_NEW", "{}")
    assert tape.cells(semconv.GATEWAY_EVENTS, bot="loopback-bot", shard=0) == {
        ("READY",): 1, ("GUILD_CREATE",): 1, ("MESSAGE_CREATE",): 2, ("TYPING_START",): 1, ("SOMETHING_NEW",): 2,
    }  # fmt: skip
    assert tape.cells(semconv.GATEWAY_EVENTS, bot="unknown") == {}


async def test_the_counts_agree_with_what_was_sent(server, run, bot, tape, settle):
    async with run(server, bot):
        ada = server.user("ada")
        message = await ada.say("one")
        await ada.edit(message, "uno")
        await ada.react(message, "👍")
        await ada.delete(message)
        await server.disconnect(4000)
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
        await ada.say("two")
    sent = {(name,): count for (_, name), count in server.ledger.event_counts.items()}
    assert tape.cells(semconv.GATEWAY_EVENTS, bot="loopback-bot", shard=0) == sent


@pytest.mark.parametrize("compressed", [True, False])
async def test_with_and_without_compression(server, run, bot, tape, monkeypatch, compressed):
    asked = []
    plain = discord_gateway.DiscordWebSocket.from_client.__func__

    async def from_client(cls, client, **kwargs):
        kwargs["compress" if discord.version_info >= (2, 5) else "zlib"] = compressed
        ws = await plain(cls, client, **kwargs)
        asked.append(str(ws.socket._response.url))
        return ws

    with monkeypatch.context() as patch:
        patch.setattr(discord_gateway.DiscordWebSocket, "from_client", classmethod(from_client))
        async with run(server, bot):
            await server.user("ada").say("one")
    assert ("compress=" in asked[0]) is compressed
    assert tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE") == {("loopback-bot", 0): 1}


async def test_connect_and_close(server, run, bot, tape, disconnects, gauge):
    async with run(server, bot):
        assert gauge(semconv.SHARD_UP) == {(0,): 1}
        assert tape.cells(semconv.GATEWAY_CONNECTS) == {("loopback-bot", 0): 1}
        assert disconnects() == {}
    assert disconnects() == {(0, "1000"): 1}
    assert gauge(semconv.SHARD_UP) == {}


@pytest.mark.parametrize(("code", "said"), [(4000, "4000"), (1001, "1001"), (4009, "4009")])
async def test_discord_closes_and_the_session_is_resumed(
    server, run, bot, tape, disconnects, gauge, code, said
):
    async with run(server, bot):
        await server.disconnect(code)
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
        assert disconnects() == {(0, said): 1}
        assert gauge(semconv.SHARD_UP) == {(0,): 1}
        await server.user("ada").say("still there?")
    assert tape.cells(semconv.GATEWAY_RESUMES) == {("loopback-bot", 0): 1}
    assert tape.cells(semconv.GATEWAY_CONNECTS) == {("loopback-bot", 0): 1}
    assert tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE") == {("loopback-bot", 0): 1}


async def test_the_connection_is_cut(server, run, bot, tape, disconnects):
    async with run(server, bot):
        await server.cut()
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
    assert disconnects() == {(0, "none"): 1, (0, "1000"): 1}


async def test_discord_asks_to_reconnect(server, run, bot, tape, disconnects):
    async with run(server, bot):
        await server.reconnect()
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
    assert disconnects() == {(0, "4000"): 1, (0, "1000"): 1}


async def test_the_session_is_invalid(server, run, bot, tape, disconnects):
    async with run(server, bot):
        await server.invalidate()
        await server.until(lambda: tape.cells(semconv.GATEWAY_CONNECTS) == {("loopback-bot", 0): 2})
    assert disconnects() == {(0, "1000"): 2}
    assert tape.cells(semconv.GATEWAY_RESUMES) == {}


async def test_an_end_for_good(server, run, bot, tape, disconnects):
    with pytest.raises(discord.ConnectionClosed) as raised:  # noqa: PT012 - it ends the block that runs the bot
        async with run(server, bot):
            await server.disconnect(4013)
            await server.until(bot.is_closed)
    assert raised.value.code == 4013
    assert disconnects() == {(0, "4013"): 1}


async def test_heartbeats_without_an_answer(run, make_bot, tape, disconnects):
    settings = GatewaySettings(heartbeat_interval=0.2)  # a gateway waits for two: on a busy machine, too
    bot = make_bot(heartbeat_timeout=0.3)
    async with LoopbackDiscord(gateway=settings) as server, run(server, bot):
        with server.faults.silence(events=False, acks=True):
            await server.until(lambda: disconnects())

        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES) and bot_of(bot).shards[0].up)
    lost = disconnects()
    lost.pop((0, "1000"))
    assert lost.keys() <= {(0, "none"), (0, "4000")}, "discord.py times out in the loop or in its thread"
    assert sum(lost.values()) == server.ledger.connected("resumed"), "each once"


async def test_a_deaf_gateway_shows(server, run, bot, tape, gauge):
    async with run(server, bot):
        await server.user("ada").say("hello")
        await server.until(lambda: tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE"))
        assert gauge(semconv.GATEWAY_LAST_EVENT)[0,] < 30
        shard = bot_of(bot).shards[0]
        shard.last_event_ns -= 60 * 10**9
        silent_since = shard.last_event_ns
        with server.faults.silence():
            await server.user("ada").say("anybody?")
            await server.ask_heartbeat()
            await server.until(lambda: server.ledger.connected("heartbeat") == 2)
            assert shard.last_event_ns == silent_since
            assert 60 <= gauge(semconv.GATEWAY_LAST_EVENT)[0,] < 90
            assert gauge(semconv.SHARD_UP) == {(0,): 1}
        await server.invalidate()
        await server.until(lambda: tape.cells(semconv.GATEWAY_CONNECTS) == {("loopback-bot", 0): 2})
        assert gauge(semconv.GATEWAY_LAST_EVENT)[0,] < 30


async def test_heartbeat_latency(server, run, bot, gauge):
    async with run(server, bot):
        await server.until(lambda: bot.latency < 10)
        assert gauge(semconv.GATEWAY_LATENCY) == {(0,): bot.latency}


async def test_what_the_bot_holds(run, bot, gauge):
    async with LoopbackDiscord(guilds=3) as server, run(server, bot):
        await server.user("ada").say("hello")
        await server.until(lambda: len(bot.users) == 5)
        assert gauge(semconv.GUILDS) == {(): 3}
        assert gauge(semconv.SHARD_GUILDS) == {(0,): 3}
        assert gauge(semconv.CACHED_USERS) == {(): len(bot.users)}
        assert gauge(semconv.VOICE_CLIENTS) == {}


async def test_shards_stay_apart(run, make_sharded, tape, disconnects, gauge, settle):
    heard = []
    bot = make_sharded(shard_count=2)

    @bot.event
    async def on_message(message):
        heard.append(message)
        await message.channel.typing()

    async with LoopbackDiscord(guilds=3, shards=2) as server, run(server, bot, shards=2):
        assert gauge(semconv.SHARD_UP) == {(0,): 1, (1,): 1}
        of_shard = {guild.id: (guild.id >> 22) % 2 for guild in server.guilds}
        assert set(of_shard.values()) == {0, 1}
        for guild in server.guilds:
            await server.user("ada").say("hello", server.channel(None, guild))
        await server.until(lambda: len(heard) == 3)
        await settle(server, bot)
        assert tape.cells(semconv.GATEWAY_EVENTS, bot="loopback-bot", event="MESSAGE_CREATE") == {
            (shard,): list(of_shard.values()).count(shard) for shard in (0, 1)
        }
        assert gauge(semconv.SHARD_GUILDS) == {(s,): list(of_shard.values()).count(s) for s in (0, 1)}
        roots = {
            root.attributes[semconv.GUILD_ID]: root.attributes[semconv.SHARD]
            for root in tape.roots("message")
        }
        assert roots == of_shard
        await server.disconnect(4000, shard=1)
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
        assert disconnects() == {(1, "4000"): 1}
        assert tape.cells(semconv.GATEWAY_RESUMES) == {("loopback-bot", 1): 1}
        assert len(gauge(semconv.GATEWAY_LATENCY)) == 2
    assert disconnects() == {(0, "1000"): 1, (1, "1000"): 1, (1, "4000"): 1}


async def test_a_shard_that_is_down(run, make_sharded, tape, gauge, monkeypatch):
    bot = make_sharded(shard_count=2)
    async with LoopbackDiscord(guilds=2, shards=2) as server, run(server, bot, shards=2):
        gate = asyncio.Event()
        plain = discord_gateway.DiscordWebSocket.from_client

        async def waiting(*args, **kwargs):
            await gate.wait()
            return await plain(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(discord_gateway.DiscordWebSocket, "from_client", waiting)
            await server.disconnect(4000, shard=1)
            await server.until(lambda: tape.cells(semconv.GATEWAY_DISCONNECTS))
            assert gauge(semconv.SHARD_UP) == {(0,): 1}
        gate.set()
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
        assert gauge(semconv.SHARD_UP) == {(0,): 1, (1,): 1}


@pytest.mark.parametrize("anew", [True, False])
async def test_a_bot_closed_and_started_again(server, run, make_bot, tape, disconnects, anew):
    bot = None
    for _ in range(2):
        if bot is None or anew:
            bot = make_bot()

            @bot.command()
            async def ping(ctx):
                await ctx.send("pong")

        async with run(server, bot):
            await server.reply_to(await server.user("ada").say("!ping"))
            read_bots()
            assert tape.cells(semconv.SHARD_UP) == {("loopback-bot", 0): 1}
        bot.clear()
        bot.http.connector = discord.utils.MISSING  # discord.py keeps the closed one
        await bot._async_setup_hook()  # as `async with bot` does
    assert tape.cells(semconv.GATEWAY_CONNECTS) == {("loopback-bot", 0): 2}
    assert disconnects() == {(0, "1000"): 2}
    assert tape.cells(semconv.COMMAND_DURATION, outcome="ok") == {("loopback-bot", "ping", "prefix"): 2}
    assert len(tape.roots("message")) == 2


async def test_two_bots_in_one_process(server, make_bot, make_client, tape, settle):
    """Both are logged in to one Discord, so each hears everything; their names tell them apart."""

    class Parrot(make_client):
        async def on_message(self, message):
            if message.content == "parrot?":
                await message.channel.send("parrot!")

    parrot, bot = watching.watch(Parrot(), name="parrot"), watching.watch(make_bot(), name="commander")

    @bot.hybrid_command()
    async def ping(ctx):
        await ctx.send("pong")

    async with server.running(parrot), server.running(bot):
        await asyncio.gather(parrot.wait_until_ready(), bot.wait_until_ready())
        ada = server.user("ada")
        await server.reply_to(await ada.say("parrot?"))
        await server.reply_to(await ada.say("!ping"))
        await server.reply_to(await ada.slash("ping"))
        await settle(server, parrot, bot)
        read_bots()
        assert tape.cells(semconv.GUILDS) == {("parrot",): 1, ("commander",): 1}
        assert tape.cells(semconv.SHARD_UP) == {("parrot", 0): 1, ("commander", 0): 1}
    assert tape.cells(semconv.COMMAND_DURATION) == {("commander", "ping", "hybrid", "ok"): 2}
    assert tape.cells(semconv.RESPONSE_TIME) == {
        ("parrot", "message"): 1, ("commander", "message"): 1, ("commander", "interaction"): 1,
    }  # fmt: skip
    assert tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE") == {
        ("parrot", 0): 5,
        ("commander", 0): 5,
    }
    assert tape.cells(semconv.HTTP_DURATION, route="/channels/{channel_id}/messages").keys() == {
        ("parrot", "POST", 200), ("commander", "POST", 200),
    }  # fmt: skip
    callback = "/interactions/{webhook_id}/{webhook_token}/callback"
    assert {key[0] for key in tape.cells(semconv.HTTP_DURATION, route=callback)} == {"commander"}


async def test_watched_only_once_it_is_connected(server, bot, unshipped, tape, settle, gauge):
    watching.uninstrument()

    @bot.command()
    async def ping(ctx):
        await ctx.send("pong")

    async with server.running(bot):
        await bot.wait_until_ready()
        await server.reply_to(await server.user("ada").say("!ping"))
        await settle(server, bot)
        assert tape.spans() == []
        watching.watch(bot, name="late")
        unshipped.shipping = True
        await server.reply_to(await server.user("ada").say("!ping"))
        await settle(server, bot)
        read_bots()
        assert tape.cells(semconv.SHARD_UP) == {("late", 0): 1}
        await server.disconnect(4000)
        await server.until(lambda: tape.cells(semconv.GATEWAY_RESUMES))
        await settle(server, bot)
    assert [span.name for span in tape.root("message").walk()] == [
        "message", "command ping", "POST /channels/{channel_id}/messages",
    ]  # fmt: skip
    assert tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE") == {("late", 0): 2}
    assert tape.cells(semconv.GATEWAY_DISCONNECTS) == {("late", 0, "4000"): 1, ("late", 0, "1000"): 1}
    known = {cell.attributes[semconv.COMMAND] for cell in unshipped.instrument(semconv.COMMAND_DURATION)
             if cell.attributes[semconv.BOT_NAME] == "late"}  # fmt: skip
    assert known == {"ping", "help"}


async def test_voice_s_heartbeat_is_none_of_a_shard_s(server, run, bot, disconnects):
    class Voice:
        thread_id = 0
        _max_heartbeat_timeout = 60.0

    async with run(server, bot):
        handler = discord_gateway.VoiceKeepAliveHandler(ws=Voice(), interval=60)
        handler.stop()
        assert disconnects() == {}


async def test_another_name_given_while_it_runs_is_the_name_of_all_that_follows(
    server, run, bot, tape, settle
):
    @bot.command()
    async def ping(ctx):
        await ctx.send("pong")

    async with run(server, bot):
        await server.reply_to(await server.user("ada").say("!ping"))
        await settle(server, bot)
        before = tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE")
        watching.watch(bot, name="second")
        await server.reply_to(await server.user("ada").say("!ping"))
        await settle(server, bot)
    for metric in (
        semconv.COMMAND_DURATION,
        semconv.RESPONSE_TIME,
        semconv.EVENT_DURATION,
        semconv.HTTP_DURATION,
    ):
        assert {key[0] for key in tape.cells(metric)} == {"loopback-bot", "second"}, metric.name
    events = tape.cells(semconv.GATEWAY_EVENTS, event="MESSAGE_CREATE")
    assert events == {**before, ("second", 0): 2}


async def test_a_name_given_to_watch(server, run, bot, tape):
    watching.watch(bot, name="mine")

    async with run(server, bot):
        await server.user("ada").type()
    assert tape.cells(semconv.GATEWAY_EVENTS, event="TYPING_START") == {("mine", 0): 1}
    assert tape.cells(semconv.HTTP_DURATION, route="/users/@me") == {("mine", "GET", 200): 1}
