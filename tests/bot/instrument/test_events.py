"""Events: a root for each that anyone listens to, a counter for the rest; listeners of every sort; `wait_for`."""

from __future__ import annotations

import asyncio

import discord
import pytest
from discord.ext import commands

from whisperwatch import semconv
from whisperwatch.bot.recording import roots

MESSAGE = "message (consumer) bot=loopback-bot event=message guild=guild-0 channel=general user=ada shard=0"
POST = (
    "POST /channels/{channel_id}/messages (client) method=POST route=/channels/{channel_id}/messages "
    "server=127.0.0.1 status=200"
)


async def test_a_client_that_overrides_on_message(server, run, tape, make_client, expected):
    class Parrot(make_client):
        async def on_message(self, message):
            if message.author != self.user:
                await message.channel.send(message.content)

    async with run(server, Parrot()):
        await server.reply_to(await server.user("ada").say("hello"))
    name = f"{Parrot.__qualname__}.on_message"
    assert tape.show("message") == expected(
        f"""
        {MESSAGE}
          listener {name} bot=loopback-bot listener={name}
            {POST}
        """
    )
