"""A real discord.py bot connects, hears people and answers them."""

from __future__ import annotations

import discord
import pytest
from discord.ext import commands

from whisperwatch.demo.loopback import GuildPlan, LoopbackDiscord, pointing


async def test_a_prefix_command_is_answered(server, bot):
    async with server.running(bot):
        asked = await server.user("ada").say("!ping")
        reply = await server.reply_to(asked)
    assert reply.content == "pong"
    assert reply.reference is asked
    assert server.ledger.requested("/channels/{channel_id}/messages", "POST", 200) == 1
    assert server.ledger.message_counts == {"people": 1, "bot": 1}
    assert server.ledger.sent("MESSAGE_CREATE") == 2


async def test_reply_to_says_what_it_waited_for(server, bot):
    async with server.running(bot):
        asked = await server.user("ada").say("nobody answers this")
        with pytest.raises(TimeoutError, match="the bot has replied to 'nobody answers this'"):
            await server.reply_to(asked, timeout=0.05)


async def test_a_wrong_token_is_refused():
    async with LoopbackDiscord(token="right") as server:
        client = discord.Client(intents=discord.Intents.none())
        with pointing(server):
            with pytest.raises(discord.LoginFailure):
                await client.start("wrong")
            await client.close()
        assert server.ledger.requested("/users/@me", "GET", 401) == 1


async def test_a_token_that_is_reset_while_connected_closes_with_4004(server, bot):
    with pytest.raises(discord.ConnectionClosed) as closed:  # noqa: PT012
        async with server.running(bot):
            server.faults.wrong_token()
            await server.cut()
            await server.until(
                lambda: server.ledger.close_counts[0, "closed", 4004], what="refused with 4004"
            )
            await server.until(bot.is_closed, what="the bot has given up")
    assert closed.value.code == 4004


async def test_direct_messages_reach_shard_zero(server, bot):
    async with server.running(bot):
        asked = await server.user("ada").dm("!ping")
        reply = await server.reply_to(asked)
    assert reply.channel.guild is None


async def test_pointing_restores_what_was_there():
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE
    with pointing(4711):
        assert Route("GET", "/users/@me").url == "http://127.0.0.1:4711/api/v10/users/@me"
        assert DiscordWebSocket.DEFAULT_GATEWAY.port == 4711
    assert before == (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.Asset.BASE)


async def test_two_servers_keep_apart(bot):
    async with LoopbackDiscord() as one, LoopbackDiscord() as other:
        async with one.running(bot):
            await one.reply_to(await one.user("ada").say("!ping"))
        assert one.port != other.port
        assert not other.ledger.requests


async def test_the_bot_sees_members_roles_and_permissions(server, bot):
    @bot.command()
    @commands.has_permissions(administrator=True)
    async def shutdown(ctx):
        await ctx.send("as you wish")

    @bot.event
    async def on_command_error(ctx, error):
        await ctx.send(type(error).__name__)

    async with server.running(bot):
        ada = server.user("ada")
        assert (await server.reply_to(await ada.say("!shutdown"))).content == "MissingPermissions"
        await ada.get_role("admin")
        assert (await server.reply_to(await ada.say("!shutdown"))).content == "as you wish"


async def test_events_of_people_reach_listeners(server, bot):
    async with server.running(bot):
        ada = server.user("ada")
        message = await ada.say("!ping")
        reply = await server.reply_to(message)
        await ada.type()
        await ada.react(reply, "👍")
        await ada.unreact(reply, "👍")
        await ada.edit(message, "!ping again")
        await ada.delete(message)
        await ada.leave()
        await ada.join()
        await ada.join_voice()
        await ada.leave_voice()
        expected = [
            "typing", "reaction_add", "reaction_remove", "message_edit", "message_delete",
            "member_remove", "member_join", "voice_state_update",
        ]  # fmt: skip
        await server.until(lambda: set(expected) <= set(bot.heard), what="all are heard")


async def test_the_bot_has_the_name_that_it_is_given(bot):
    async with LoopbackDiscord(bot_name="whisper") as server, server.running(bot):
        assert bot.user.name == server.bot.name == "whisper"


async def test_guilds_come_and_go(server, bot):
    async with server.running(bot):
        await server.until(bot.is_ready)
        made = await server.add_guild(GuildPlan("late"))
        await server.until(lambda: "guild_join" in bot.heard)
        asked = await server.user("ada").say("!ping", server.channel("general", "late"))
        assert (await server.reply_to(asked)).content == "pong"
        await server.remove_guild("late")
        await server.until(lambda: "guild_remove" in bot.heard)
        await bot.guilds[0].leave()
        await server.until(lambda: not bot.guilds)
    assert made not in server.guilds


async def test_join_with_a_new_name_and_lookups(server):
    assert server.user("newcomer").id in server.guild().members
    assert server.channel("general").name == "general"
    with pytest.raises(LookupError, match=r"no channel 'nowhere'; it has \['general'"):
        server.channel("nowhere")
    with pytest.raises(LookupError, match="no guild 7"):
        server.guild(7)
