"""The gateway, with real clients: sessions, shards, intents, and everything that may happen to a connection."""

from __future__ import annotations

import discord
import pytest
from discord.ext import commands

from whisperwatch.demo.loopback import GatewaySettings, LoopbackDiscord, pointing


async def test_what_was_missed_after_a_cut_is_replayed(server, bot):
    async with server.running(bot):
        ada = server.user("ada")
        await ada.say("!ping")
        await server.until(lambda: "pong" in bot.texts)
        await server.cut()
        await ada.say("said while away")
        assert server.ledger.withheld_counts[0, "MESSAGE_CREATE"] == 1
        await server.until(lambda: "said while away" in bot.texts)
        await server.until(lambda: "resumed" in bot.heard)
        assert bot.heard.count("connect") == 1
    assert server.ledger.connected("resumed") == 1
    assert server.ledger.connected("identify") == 1
    assert [event.replayed for event in server.ledger.events if event.type == "MESSAGE_CREATE"] == [
        False,
        False,
        True,
    ]
    assert server.ledger.close_counts[0, "closed", None] == 1


async def test_events_that_were_lost_on_the_way_are_known_at_the_resume(server, bot):
    async with server.running(bot):
        await server.until(bot.is_ready)
        await server.user("ada").say("one")
        await server.until(lambda: server.ledger.sent("MESSAGE_CREATE") == 1)
        await server.until(lambda: "one" in bot.texts)
        bot.ws.sequence -= 1
        await server.cut()
        await server.until(lambda: server.ledger.connected("resumed"), what="resumed")
        await server.until(lambda: bot.texts == ["one", "one"])
    assert server.ledger.sent("MESSAGE_CREATE") == 2
    assert server.ledger.lost_counts == {(0, "MESSAGE_CREATE"): 1}
    assert server.ledger.received("MESSAGE_CREATE") == 1


async def test_what_is_queued_when_the_connection_is_cut_is_withheld(server, bot):
    async with server.running(bot):
        await server.until(bot.is_ready)
        await server.user("ada").say("queued")
        await server.cut()
        await server.until(lambda: "queued" in bot.texts)
    assert server.ledger.withheld_counts[0, "MESSAGE_CREATE"] == 1
    assert server.ledger.received("MESSAGE_CREATE") == 1


@pytest.mark.parametrize("code", [1000, 4000, 4008, 4009])
async def test_a_disconnect_with_a_code_that_may_resume(server, bot, code):
    async with server.running(bot):
        await server.disconnect(code)
        await server.until(lambda: server.ledger.connected("resumed"), what="resumed")
        assert (await server.reply_to(await server.user("ada").say("!ping"))).content == "pong"
    assert server.ledger.close_counts[0, "closed", code] == 1


@pytest.mark.parametrize(
    ("code", "error"), [(4004, discord.ConnectionClosed), (4014, discord.PrivilegedIntentsRequired)]
)
async def test_a_disconnect_with_a_fatal_code(server, bot, code, error):
    with pytest.raises(error):  # noqa: PT012
        async with server.running(bot):
            await server.disconnect(code)
            await server.until(lambda: "disconnect" in bot.heard)


async def test_reconnect_resumes(server, bot):
    async with server.running(bot):
        await server.reconnect()
        await server.until(lambda: server.ledger.connected("resumed"), what="resumed")
    assert server.ledger.connected("reconnect") == 1
    assert server.ledger.connected("identify") == 1


async def test_an_invalid_session_identifies_anew(server, bot):
    async with server.running(bot):
        await server.invalidate()
        await server.until(lambda: server.ledger.connected("ready") == 2, what="a second READY")
        assert (await server.reply_to(await server.user("ada").say("!ping"))).content == "pong"
    assert server.ledger.connected("resumed") == 0


async def test_a_resumable_invalid_session_resumes(server, bot):
    async with server.running(bot):
        await server.invalidate(resumable=True)
        await server.until(lambda: server.ledger.connected("resumed"), what="resumed")
    assert server.ledger.connected("identify") == 1


async def test_a_session_that_is_forgotten_cannot_be_resumed(server, bot):
    async with server.running(bot):
        server.core.gateway.sessions.clear()
        await server.cut()
        await server.until(lambda: server.ledger.connected("ready") == 2, what="a second READY")
    assert server.ledger.connected("invalid_session") == 1


async def test_events_that_are_no_longer_kept_cannot_be_replayed(server, bot):
    async with server.running(bot):
        session = next(iter(server.core.gateway.sessions.values()))
        await server.cut()
        session.sequence += 20_000
        session.sent.clear()
        await server.until(lambda: server.ledger.connected("ready") == 2, what="a second READY")


async def test_heartbeats_are_acknowledged(make_bot):
    async with LoopbackDiscord(gateway=GatewaySettings(heartbeat_interval=0.02)) as server:
        bot = make_bot()
        async with server.running(bot):
            await server.until(lambda: server.ledger.connected("heartbeat") > 3)
            await server.until(lambda: 0 < bot.latency < 1)
        assert server.ledger.connected("unacknowledged") == 0


async def test_unacknowledged_heartbeats_make_the_client_come_back(make_bot):
    async with LoopbackDiscord(gateway=GatewaySettings(heartbeat_interval=0.05)) as server:
        bot = make_bot(heartbeat_timeout=0.2)
        async with server.running(bot):
            with server.faults.silence(events=False, acks=True):
                await server.until(lambda: server.ledger.connected("unacknowledged") > 2)
                await server.until(lambda: server.ledger.connected("resumed"), what="given up and come back")


async def test_a_client_that_does_not_beat_is_closed(make_bot):
    async with LoopbackDiscord(gateway=GatewaySettings(heartbeat_interval=0.05)) as server:
        bot = make_bot()
        async with server.running(bot):
            await server.until(lambda: bot.ws._keep_alive is not None)
            bot.ws._keep_alive.stop()
            await server.until(lambda: server.ledger.close_counts[0, "closed", 4009], what="closed with 4009")


async def test_the_server_may_ask_for_a_heartbeat(server, bot):
    async with server.running(bot):
        await server.until(lambda: server.ledger.connected("heartbeat") == 1)
        await server.ask_heartbeat()
        await server.until(lambda: server.ledger.connected("heartbeat") == 2)


async def test_a_deaf_gateway_is_connected_and_says_nothing(server, bot):
    async with server.running(bot):
        ada = server.user("ada")
        with server.faults.silence():
            await ada.say("unheard")
        await ada.say("heard")
        await server.until(lambda: "heard" in bot.texts)
    assert bot.texts == ["heard"]
    assert server.ledger.withheld_counts[0, "MESSAGE_CREATE"] == 1
    assert server.ledger.sent("MESSAGE_CREATE") == 1


async def test_intents_filter_events(server, make_bot):
    bot = make_bot(discord.Intents(guilds=True, guild_messages=True, message_content=True))
    async with server.running(bot):
        ada = server.user("ada")
        message = await ada.say("hello")
        await ada.react(message, "👍")
        await ada.type()
        await ada.dm("psst")
        await ada.leave()
        await ada.say("last")
        await server.until(lambda: "last" in bot.texts)
    assert bot.texts == ["hello", "last"]
    types = {event.type for event in server.ledger.events}
    assert types == {"READY", "GUILD_CREATE", "MESSAGE_CREATE"}


async def test_without_message_content_only_mentions_can_be_read(server, make_bot):
    intents = discord.Intents.default()
    bot = make_bot(intents)
    async with server.running(bot):
        ada = server.user("ada")
        await ada.say("private matters")
        await ada.say(f"{server.bot.mention} hello")
        await ada.dm("direct")
        await server.until(lambda: len(bot.texts) == 3)
    assert bot.texts == ["", f"<@{server.bot.id}> hello", "direct"]


async def test_disallowed_intents_are_refused(make_bot):
    async with LoopbackDiscord(gateway=GatewaySettings(allowed_intents=0)) as server:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with server.running(make_bot()):
                pass
        assert server.ledger.close_counts[0, "closed", 4014] == 1


async def test_members_are_chunked_on_request(server, bot):
    async with server.running(bot):
        await server.until(bot.is_ready)
        guild = bot.guilds[0]
        assert {member.name for member in guild.members} == {"loopback-bot", "owner", "ada", "grace", "linus"}
        found = await guild.query_members("gr")
        assert [member.name for member in found] == ["grace"]
        found = await guild.query_members(user_ids=[server.user("ada").id])
        assert [member.name for member in found] == ["ada"]


async def test_presence_of_the_bot(server, bot):
    async with server.running(bot):
        await bot.change_presence(activity=discord.Game("chess"))
        connection = server.core.gateway.on_shard(None)[0]
        await server.until(lambda: connection.presence is not None)
        assert connection.presence["activities"][0]["name"] == "chess"


class Shards(commands.AutoShardedBot):
    async def before_identify_hook(self, shard_id, *, initial=False):
        """No five seconds between IDENTIFYs."""


async def test_shards_hear_of_their_own_guilds():
    async with LoopbackDiscord(guilds=4, shards=2) as server:
        bot = Shards("!", intents=discord.Intents.all(), guild_ready_timeout=0.05)

        @bot.command()
        async def where(ctx):
            await ctx.send(str(ctx.guild.shard_id))

        async with server.running(bot):
            for number in range(4):
                asked = await server.user("ada").say("!where", server.channel("general", number))
                assert (await server.reply_to(asked)).content == str(number % 2)
            await server.cut(shard=1)
            await server.until(lambda: server.ledger.connected("resumed", 1), what="shard 1 has resumed")
        assert server.ledger.sent("GUILD_CREATE", shard=0) == 2
        assert server.ledger.sent("GUILD_CREATE", shard=1) == 2
        assert server.ledger.sent("MESSAGE_CREATE", shard=1) == 4
        assert server.ledger.connected("resumed", 0) == 0
        limit = server.core.gateway.start_limit()
        assert (limit["total"], limit["remaining"]) == (1000, 998)


async def test_gateway_bot_tells_the_budget(server, bot):
    with pointing(server):
        await bot.login(server.token)
        answer = await bot.http.get_bot_gateway()
        await bot.close()
    assert answer[0] == 1
    assert answer[1].startswith(f"ws://127.0.0.1:{server.port}/gateway")


async def test_identifies_that_come_too_soon_are_invalid_sessions(make_bot):
    async with LoopbackDiscord(gateway=GatewaySettings(identify_window=0.2)) as server:
        bot = make_bot()
        async with server.running(bot):
            await server.invalidate()
            await server.until(lambda: server.ledger.connected("ready") == 2, what="a second READY")
        assert server.ledger.connected("invalid_session") > 1


async def test_voice_tells_that_there_is_no_server(server, bot):
    class Protocol(discord.VoiceProtocol):
        heard = ()

        async def on_voice_state_update(self, data):
            self.heard += ("state",)

        async def on_voice_server_update(self, data):
            self.heard += (data["endpoint"],)

        async def connect(self, **options):
            await self.channel.guild.change_voice_state(channel=self.channel)

        async def disconnect(self, *, force):
            await self.channel.guild.change_voice_state(channel=None)
            self.cleanup()

    async with server.running(bot):
        await server.until(bot.is_ready)
        channel = bot.guilds[0].voice_channels[0]
        client = await channel.connect(cls=Protocol)
        await server.until(lambda: client.heard == ("state", None))
        assert server.guild().voice[server.bot.id].name == "voice"
        await client.disconnect(force=True)
        await server.until(lambda: server.bot.id not in server.guild().voice)
