"""A bot that is connected to nothing: discord.py's own code from the websocket's text to the REST request's socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from bench.companion import Services
from whisperwatch.demo.loopback.frames import Frames

LOADS = ("prefix", "slash", "reply", "logged", "ignored", "companion")
"""A prefix command; a slash command; a prefix command with one reply; one with one log record; an event that nobody
listens to; a prefix command that asks a database, a cache and a language model (where the environment names them)."""

logger = logging.getLogger("bench.bot")
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())  # what the bot's own handlers cost is none of ours


Body = Callable[[str], Callable[[Callable[..., Any]], Callable[..., Any]]]
"""By a command's name: what wraps its function."""


class Answer:
    """What `aiohttp.ClientSession.request` gives, with Discord's answer in it."""

    status = 200
    reason = "OK"
    method = "GET"
    headers = {
        "content-type": "application/json", "Via": "1.1 google", "X-Ratelimit-Remaining": "5", "X-Ratelimit-Limit": "5",
        "X-Ratelimit-Reset-After": "1", "X-Ratelimit-Bucket": "b", "X-Ratelimit-Reset": "9999999999",
    }  # fmt: skip

    def __init__(self, body: Any) -> None:
        self.body = json.dumps(body)

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        return None

    async def text(self, encoding: str = "utf-8") -> str:
        return self.body

    async def json(self) -> Any:
        return json.loads(self.body)


class Session:
    """Stands for aiohttp's session: answers at once."""

    closed = False

    def __init__(self, frames: Frames) -> None:
        account = frames.core.world.bot
        self.user = {
            "id": str(account.id),
            "username": account.name,
            "discriminator": "0",
            "avatar": None,
            "bot": True,
        }
        channel = frames.core.world.find_channel(None)
        self.message: dict[str, Any] = {
            "id": "1574434582831300608", "channel_id": str(channel.id), "author": self.user, "content": "pong",
            "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None, "tts": False, "mention_everyone": False,
            "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "pinned": False, "type": 0,
        }  # fmt: skip

    def request(self, method: str, url: Any, **kwargs: Any) -> Answer:
        path = str(url)
        if path.endswith("/users/@me"):
            return Answer(self.user)
        if path.endswith("/applications/@me"):
            return Answer({
                "id": self.user["id"], "name": "bench", "icon": None, "description": "", "bot_public": True,
                "bot_require_code_grant": False, "verify_key": "", "flags": 0, "team": None, "owner": self.user,
            })  # fmt: skip
        if path.endswith("/gateway/bot"):
            limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
            return Answer({"url": "ws://127.0.0.1", "shards": 1, "session_start_limit": limit})
        return Answer(self.message)

    async def close(self) -> None:
        return None


class Socket:
    """Stands for the websocket: says HELLO, and takes what it is sent."""

    closed = False
    close_code = None

    async def receive(self, timeout: float | None = None) -> Any:
        hello = json.dumps({"op": 10, "d": {"heartbeat_interval": 3_600_000}, "s": None, "t": None})
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, hello, None)

    async def send_str(self, data: str) -> None:
        return None

    async def close(self, **kwargs: Any) -> None:
        return None


class Traffic:
    """A ready bot, and rounds of events for it."""

    def __init__(self, body: Body | None = None) -> None:
        """`body` wraps the commands' bodies: for who instruments by hand."""
        self.frames = Frames()
        self.handled = 0
        self.bot = commands.Bot(
            "!", intents=discord.Intents.all(), guild_ready_timeout=0.05, help_command=None
        )
        self.services: Services | None = None
        self.answered = asyncio.Event()
        self._add_commands(body or (lambda _: lambda function: function))

    def _add_commands(self, body: Body) -> None:
        @self.bot.command()
        @body("prefix")
        async def prefix(ctx: Any) -> None:
            self.handled += 1

        @self.bot.command()
        @body("reply")
        async def reply(ctx: Any) -> None:
            await ctx.send("pong")
            self.handled += 1

        @self.bot.command()
        @body("logged")
        async def logged(ctx: Any) -> None:
            self.handled += 1
            logger.info("command %s was run %d times", "logged", self.handled)

        @self.bot.command()
        @body("companion")
        async def companion(ctx: Any) -> None:
            assert self.services is not None
            try:
                self.handled += bool(await self.services.answer())
            finally:
                self.answered.set()

        @self.bot.tree.command()
        @body("slash")
        async def slash(interaction: discord.Interaction) -> None:
            self.handled += 1

    async def connect(self) -> None:
        if "DATABASE_URL" in os.environ:
            self.services = await Services.open()
        session = Session(self.frames)
        plain, aiohttp.ClientSession = aiohttp.ClientSession, lambda **kwargs: session  # type: ignore[assignment,misc]
        try:
            await self.bot.login("token")
        finally:
            aiohttp.ClientSession = plain  # type: ignore[misc]

        async def ws_connect(url: str, **kwargs: Any) -> Any:
            return Socket()

        self.bot.http.ws_connect = ws_connect  # type: ignore[method-assign]
        self.ws = self.bot.ws = await DiscordWebSocket.from_client(self.bot, initial=True, compress=False)
        for text in self.frames.welcome():
            await self.ws.received_message(text)
        await self.bot.wait_until_ready()

    async def close(self) -> None:
        await self.bot.close()
        if self.services is not None:
            await self.services.close()

    def prepare(self, load: str, count: int) -> list[str]:
        """The texts of a round, made before its time is taken."""
        if load == "slash":
            return [self.frames.interaction_create("slash") for _ in range(count)]
        if load == "ignored":
            return [self.frames.typing_start() for _ in range(count)]
        return [self.frames.message_create(f"!{load}") for _ in range(count)]

    async def feed(self, texts: list[str], load: str) -> None:
        """Give the bot these texts, and wait until it has done with them."""
        before, tasks = self.handled, len(asyncio.all_tasks())
        for text in texts:
            self.answered.clear()
            await self.ws.received_message(text)
            if load == "companion":
                await self.answered.wait()
            elif load != "ignored":
                await asyncio.sleep(0)
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - an idle loop would be time that nobody is charged
            await asyncio.sleep(0)
        expected = 0 if load == "ignored" else len(texts)
        if self.handled - before != expected:
            raise RuntimeError(f"{load}: {self.handled - before} of {expected} commands ran")
