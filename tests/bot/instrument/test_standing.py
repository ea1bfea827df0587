from __future__ import annotations

from typing import Any

import discord
import pytest
from discord.ext import commands

from whisperwatch.bot.instrument.standing import hosts, lacks

pytestmark = pytest.mark.usefixtures("tape")


def intents(**changed: bool) -> discord.Intents:
    return discord.Intents(**{**dict(discord.Intents.default()), **changed})


def bot_with_commands(prefix: Any = "!", **changed: bool) -> commands.Bot:
    bot = commands.Bot(prefix, intents=intents(**changed))

    @bot.command()
    async def ask(context: Any) -> None: ...

    return bot


async def test_prefix_commands_need_the_messages_content() -> None:
    assert lacks(bot_with_commands()) == {"message_content": "prefix commands in guilds are never seen"}
    assert lacks(bot_with_commands(message_content=True)) == {}
    assert lacks(bot_with_commands(commands.when_mentioned)) == {}
    assert lacks(commands.Bot("!", intents=intents())) == {}
    assert lacks(discord.Client(intents=intents())) == {}


async def test_listeners_that_are_never_called() -> None:
    class Deaf(discord.Client):
        async def on_member_join(self, member: discord.Member) -> None: ...

    assert lacks(Deaf(intents=intents())) == {"members": "on_member_join is never called"}
    assert lacks(Deaf(intents=intents(members=True))) == {}
    bot = commands.Bot("!", intents=intents())

    @bot.listen()
    async def on_presence_update(before: Any, after: Any) -> None: ...

    assert lacks(bot) == {"presences": "on_presence_update is never called"}


async def test_where_discord_is() -> None:
    client = discord.Client(intents=intents())
    assert hosts([client, client]) == [("discord.com", 443), ("gateway.discord.gg", 443)]
    proxied = discord.Client(intents=intents(), proxy="http://user:password@proxy.example:3128")
    assert hosts([proxied]) == [("proxy.example", 3128)]
