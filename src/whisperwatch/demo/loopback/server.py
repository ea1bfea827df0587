"""`LoopbackDiscord`: a Discord of one's own, in this process, for real discord.py bots."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import discord
from aiohttp import web

from whisperwatch.demo.loopback import control, rest, welcome
from whisperwatch.demo.loopback.accounts import Account, Member
from whisperwatch.demo.loopback.core import Core
from whisperwatch.demo.loopback.faults import Faults
from whisperwatch.demo.loopback.gateway import GatewaySettings
from whisperwatch.demo.loopback.guilds import Channel, Guild
from whisperwatch.demo.loopback.interactions import Interaction
from whisperwatch.demo.loopback.ledger import Ledger
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.opcodes import Op
from whisperwatch.demo.loopback.people import Person
from whisperwatch.demo.loopback.ratelimits import Limits
from whisperwatch.demo.loopback.running import running
from whisperwatch.demo.loopback.world import GuildPlan

TOKEN = "loopback.token.of-no-worth"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
POLL_SECONDS = 0.02


class LoopbackDiscord:
    """A loopback Discord on 127.0.0.1, from `async with` to its end.

        async with LoopbackDiscord() as discord, ...:
            with pointing(discord):
                ...                                    # bot.start(discord.token)
                message = await discord.user("ada").say("!ping")
                reply = await discord.reply_to(message)

    Args:
        guilds: how many guilds, or how each looks.
        shards: how many shards GET /gateway/bot recommends.
        people: names of those who are in every guild from the start.
        token: the only token that is accepted.
        bot_name: the bot's user name.
        limits: REST rate limits, `Limits.real()` for those of Discord.
        gateway: the gateway's settings.
        port: 0 for a free one.
        seed: of the dice that faults throw.
        kept: how many messages, and entries of each kind in the ledger, are kept.
    """

    def __init__(
        self,
        guilds: int | Sequence[GuildPlan] = 1,
        shards: int = 1,
        *,
        people: Sequence[str] = ("ada", "grace", "linus"),
        token: str = TOKEN,
        bot_name: str = "loopback-bot",
        limits: Limits | None = None,
        gateway: GatewaySettings | None = None,
        port: int = 0,
        seed: int = 0,
        kept: int = 100_000,
    ) -> None:
        self.core = Core(
            token=token,
            bot_name=bot_name,
            shards=shards,
            limits=limits or Limits(),
            gateway=gateway or GatewaySettings(),
            seed=seed,
            kept=kept,
        )
        plans = [GuildPlan(f"guild-{n}") for n in range(guilds)] if isinstance(guilds, int) else guilds
        for plan in plans:
            self.core.world.add_guild(plan)
        self._people: dict[str, Person] = {}
        for name in people:
            self.user(name)
        self._port = port
        self._runner: web.AppRunner | None = None

    # --- its life ---

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_get("/gateway", self.core.gateway.accept)
        app.router.add_get("/gateway/", self.core.gateway.accept)
        app.router.add_get(r"/cdn/attachments/{number:\d+}/{name}", self._file)
        app.router.add_get("/cdn/{path:.*}", _picture)
        rest.install(app, self.core)
        control.install(app, self)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        self.core.host = f"127.0.0.1:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.core.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what there is ---

    @property
    def port(self) -> int:
        return self._port

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.core.token

    @property
    def ledger(self) -> Ledger:
        """What truly happened."""
        return self.core.ledger

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self.core.faults

    @property
    def bot(self) -> Account:
        """The bot's account."""
        return self.core.world.bot

    @property
    def guilds(self) -> list[Guild]:
        return list(self.core.world.guilds.values())

    def guild(self, which: Guild | int | str | None = None) -> Guild:
        """A guild by number, id or name; the first by default. Raises LookupError."""
        return self.core.world.find_guild(which)

    def channel(
        self, which: Channel | int | str | None = None, guild: Guild | int | str | None = None
    ) -> Channel:
        """A channel by name or id; the first of the first guild by default. Raises LookupError."""
        return self.core.world.find_channel(which, guild)

    def user(self, name: str) -> Person:
        """The person of this name; a new name is a member of every guild, as though it had always been."""
        if name not in self._people:
            account = self.core.world.account(name) or self.core.world.add_account(name)
            for guild in self.core.world.guilds.values():
                guild.members.setdefault(account.id, Member(account))
            self._people[name] = Person(self.core, account)
        return self._people[name]

    # --- guilds come and go ---

    async def add_guild(self, plan: GuildPlan) -> Guild:
        """The bot is taken into a new guild, where all the people are."""
        guild = self.core.world.add_guild(plan)
        for person in self._people.values():
            guild.members.setdefault(person.id, Member(person.account))
        data = guild.create_payload(list(guild.members.values()), presences=False)
        del data["unavailable"]  # which is how a bot tells a new guild from one that is available again
        self.core.gateway.dispatch("GUILD_CREATE", data, guild.id)
        return guild

    async def remove_guild(self, which: Guild | int | str) -> None:
        """The bot is thrown out of a guild. Raises LookupError."""
        self.core.leave(self.guild(which))

    # --- waiting ---

    async def until(self, condition: Callable[[], object], timeout: float = 5.0, what: str = "") -> None:
        """Waits until a condition holds. Raises TimeoutError that says what was waited for."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"after {timeout} s still not: {what or condition}")
            await self.ledger.change(min(left, POLL_SECONDS))

    async def reply_to(self, asked: Message | Interaction, timeout: float = 5.0) -> Message:
        """The bot's first visible message that answers a message (a reply to it, or the next in its channel that
        replies to nothing) or an interaction.

        Raises:
            TimeoutError: there is none in time.
        """
        found: list[Message] = []

        def answered() -> bool:
            found.extend(self._answers(asked))
            return bool(found)

        subject = repr(asked.content) if isinstance(asked, Message) else f"{asked.kind} {asked.name!r}"
        await self.until(answered, timeout, f"the bot has replied to {subject}")
        return found[0]

    def _answers(self, asked: Message | Interaction) -> list[Message]:
        if isinstance(asked, Interaction):
            return asked.replies
        return [
            message
            for message in self.core.world.since(asked)
            if message.author is self.bot
            and message.reference in (None, asked)
            and message.interaction is None
        ]

    async def ready(self, shards: int = 1, timeout: float = 10.0) -> None:
        """Waits until so many shards have a live session and have been sent their guilds."""
        await self.until(lambda: len(self.live_shards()) >= shards, timeout, f"{shards} shards are connected")

    def live_shards(self) -> set[int]:
        """The shards that are connected and have been sent READY and their guilds."""
        return {session.shard for session in self.core.gateway.sessions.values() if session.live}

    @asynccontextmanager
    async def running(
        self, client: discord.Client, *, shards: int | None = None, timeout: float = 20.0
    ) -> AsyncIterator[None]:
        """Runs a discord.py client against this Discord inside the block, from when it knows its guilds (which is
        before `on_ready`) on. `shards` is how many to wait for, by default as many as the client will have.

        Raises:
            TimeoutError: it is not connected in time.
            Exception: what `client.start()` raised, before or during the block.
        """
        async with running(self, client, shards, timeout):
            yield

    # --- disturbing the gateway ---

    async def disconnect(self, code: int = 4000, shard: int | None = None) -> None:
        """Closes the connection of one shard, or all, with a close code."""
        for connection in self.core.gateway.on_shard(shard):
            await connection.finish(code)

    async def cut(self, shard: int | None = None) -> None:
        """Breaks the TCP connection of one shard, or all."""
        for connection in self.core.gateway.on_shard(shard):
            connection.cut()

    async def reconnect(self, shard: int | None = None) -> None:
        """Sends RECONNECT: the client is to come back and resume."""
        for connection in self.core.gateway.on_shard(shard):
            self.ledger.connection(connection.shard, connection.session_id, "reconnect")
            connection.send(Op.RECONNECT)

    async def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Sends INVALID_SESSION: the client is to resume, or to identify anew."""
        for connection in self.core.gateway.on_shard(shard):
            welcome.refuse(connection, resumable=resumable)

    async def ask_heartbeat(self, shard: int | None = None) -> None:
        """Asks for a heartbeat at once."""
        for connection in self.core.gateway.on_shard(shard):
            connection.send(Op.HEARTBEAT)

    async def _file(self, request: web.Request) -> web.Response:
        content = self.core.files.get(int(request.match_info["number"]))
        return web.Response(status=404) if content is None else web.Response(body=content)


async def _picture(request: web.Request) -> web.Response:
    """Every picture of the CDN is one pixel."""
    return web.Response(body=PIXEL, content_type="image/png")
