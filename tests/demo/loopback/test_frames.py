"""Frames without a socket: a real client takes them as it takes the server's."""

from __future__ import annotations

import asyncio
import json

import discord
import pytest
from discord.gateway import DiscordWebSocket

from whisperwatch.demo.loopback import Frames


class Socket:
    closed = False
    close_code = None

    async def send_str(self, data):
        """What the client sends goes nowhere."""

    async def close(self, *, code):
        """Nor is there anything to close."""


@pytest.fixture
async def fed(bot):
    """A client, never connected, that is fed with frames."""
    frames = Frames(guilds=2)
    await bot._async_setup_hook()
    socket = DiscordWebSocket(Socket(), loop=asyncio.get_running_loop())
    socket.token, socket.shard_id, socket.shard_count = "", None, None
    socket._dispatch, socket._connection = bot.dispatch, bot._connection
    socket._discord_parsers = bot._connection.parsers
    bot.ws = socket
    bot._connection._chunk_guilds = False
    for text in frames.welcome():
        await socket.received_message(text)
    yield frames, socket
    await bot.close()


async def test_a_client_fed_with_frames_runs_its_listeners(fed, bot):
    frames, socket = fed
    heard = asyncio.Queue()

    @bot.event
    async def on_message(message):
        heard.put_nowait((message.guild.name, message.author.name, message.content))

    @bot.tree.command()
    async def ask(press: discord.Interaction, question: str):
        heard.put_nowait((press.guild.name, press.user.name, press.command.name, question))

    assert [guild.name for guild in bot.guilds] == ["guild-0", "guild-1"]
    await socket.received_message(frames.message_create("hello", "random"))
    assert await asyncio.wait_for(heard.get(), 5) == ("guild-0", "ada", "hello")
    await socket.received_message(frames.interaction_create("ask", question="why"))
    assert await asyncio.wait_for(heard.get(), 5) == ("guild-0", "ada", "ask", "why")
    await socket.received_message(frames.typing_start())
    assert "raw_typing" in bot.heard


def test_each_frame_is_new():
    frames = Frames()
    texts = [json.loads(text) for text in (frames.message_create("a"), frames.message_create("b"))]
    assert [text["s"] for text in texts] == [1, 2]
    assert texts[0]["d"]["id"] != texts[1]["d"]["id"]
    assert all(text["t"] == "MESSAGE_CREATE" and text["op"] == 0 for text in texts)
