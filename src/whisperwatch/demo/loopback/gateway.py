"""The gateway: accepts websockets, keeps the sessions, and sends each event to the shards that should hear it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from whisperwatch.demo.loopback import intents
from whisperwatch.demo.loopback.compression import compressor
from whisperwatch.demo.loopback.connection import Connection
from whisperwatch.demo.loopback.sessions import Session
from whisperwatch.demo.loopback.wire import JSON, shard_of, text_of

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core
    from whisperwatch.demo.loopback.guilds import Guild
    from whisperwatch.demo.loopback.messages import Message

LARGEST_SHARD = 2500
"""Guilds that one shard may have; with more, Discord closes with 4011."""


@dataclass
class GatewaySettings:
    """How the gateway behaves.

    Attributes:
        heartbeat_interval: seconds between a client's heartbeats.
        identifies: IDENTIFYs a day (session_start_limit.total).
        max_concurrency: shards that may identify at once.
        identify_window: seconds in which `max_concurrency` shards may identify (Discord: 5); 0 does not check.
        allowed_intents: privileged intents that the application has; others close with 4014.
        payloads_per_minute: what a client may send (Discord: 120); more closes with 4008.
        largest_shard: guilds that one shard may have; more closes with 4011.
    """

    heartbeat_interval: float = 41.25
    identifies: int = 1000
    max_concurrency: int = 1
    identify_window: float = 0.0
    allowed_intents: int = intents.PRIVILEGED
    payloads_per_minute: int = 120
    largest_shard: int = LARGEST_SHARD


class Gateway:
    """All sessions of the bot, over all its shards."""

    def __init__(self, core: Core, settings: GatewaySettings) -> None:
        self.core = core
        self.settings = settings
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.identifies_left = settings.identifies
        self._budget_start = time.time()
        self._identified: dict[int, float] = {}

    # --- events ---

    def dispatch(self, event: str, data: JSON, guild_id: int | None) -> None:
        """Sends an event of a guild (None: of direct messages) to every session that should hear it."""
        body: str | None = None
        for session in self._listeners(event, guild_id):
            body = body or text_of(data)
            self.send(session, event, body)

    def dispatch_message(self, event: str, message: Message) -> None:
        """Sends MESSAGE_CREATE or MESSAGE_UPDATE, without the content to those that may not read it."""
        bodies: dict[bool, str] = {}
        for session in self._listeners(event, message.channel.guild_id):
            readable = intents.reads(session.intents, message, self.core.world.bot.id)
            if readable not in bodies:
                payload = message.payload(gateway=True)
                bodies[readable] = text_of(payload if readable else intents.without_content(payload))
            self.send(session, event, bodies[readable])

    def send(self, session: Session, event: str, body: str) -> None:
        """Sends one event to one session, or keeps it for a resume where the connection is gone."""
        dispatch = session.frame(event, body)
        if session.connection is None or self.core.faults.deaf(session.shard):
            self.core.ledger.withheld(session.shard, event)
        else:
            session.connection.send_event(dispatch)

    def _listeners(self, event: str, guild_id: int | None) -> Iterator[Session]:
        for session in tuple(self.sessions.values()):
            at_home = session.shard == shard_of(guild_id, session.shard_count)
            if at_home and intents.hears(session.intents, event, guild_id):
                yield session

    # --- sessions ---

    def open(self, shard: int, shard_count: int, wanted: int, large_threshold: int) -> Session:
        """A new session; an IDENTIFY of the day's budget is spent."""
        self._renew_budget()
        self.identifies_left = max(0, self.identifies_left - 1)
        session = Session(secrets.token_hex(16), shard, shard_count, wanted, large_threshold)
        self.sessions[session.id] = session
        return session

    def forget(self, session: Session) -> None:
        """Invalidates a session: it cannot be resumed."""
        self.sessions.pop(session.id, None)

    def guilds_of(self, session: Session) -> list[Guild]:
        """The guilds of a session's shard."""
        guilds = self.core.world.guilds.values()
        return [guild for guild in guilds if shard_of(guild.id, session.shard_count) == session.shard]

    def may_identify(self, shard: int) -> bool:
        """Whether the shard's turn to identify has come (max_concurrency a window)."""
        key = shard % self.settings.max_concurrency
        now = time.monotonic()
        if now - self._identified.get(key, float("-inf")) < self.settings.identify_window:
            return False
        self._identified[key] = now
        return True

    def start_limit(self) -> JSON:
        """session_start_limit, as GET /gateway/bot tells it."""
        self._renew_budget()
        left_ms = int((self._budget_start + 86_400 - time.time()) * 1000)
        return {
            "total": self.settings.identifies,
            "remaining": self.identifies_left,
            "reset_after": left_ms,
            "max_concurrency": self.settings.max_concurrency,
        }

    def _renew_budget(self) -> None:
        if time.time() >= self._budget_start + 86_400:
            self._budget_start = time.time()
            self.identifies_left = self.settings.identifies

    # --- connections ---

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Serves one websocket from HELLO to its end."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=426, text="this is the gateway: connect with a websocket")
        try:
            compress = compressor(request.query.get("compress"))
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        socket = web.WebSocketResponse(compress=False, max_msg_size=0, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(self.core, socket, request, compress)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
        return socket

    def on_shard(self, shard: int | None) -> list[Connection]:
        """The identified connections of one shard, or of all."""
        return [
            connection
            for connection in self.connections
            if connection.session is not None and shard in (None, connection.session.shard)
        ]

    async def close(self) -> None:
        """Closes every connection as Discord does when a gateway goes down (1001)."""
        for connection in tuple(self.connections):
            await connection.finish(1001)
