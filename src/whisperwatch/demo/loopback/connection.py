"""One websocket of the gateway: HELLO, IDENTIFY or RESUME, heartbeats, and what a client may ask over it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import WSMsgType, web

from whisperwatch.demo.loopback import member_chunks, voice, welcome
from whisperwatch.demo.loopback.compression import Compress
from whisperwatch.demo.loopback.opcodes import Closed, Op
from whisperwatch.demo.loopback.sessions import Dispatch, Session
from whisperwatch.demo.loopback.wire import text_of

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

LARGEST_PAYLOAD = 4096
ACKNOWLEDGED_AFTER_S = 0.01
"""Discord is never nearer. discord.py's heartbeat thread notes when it has beaten a moment after the beat was sent: an
earlier answer would be measured from the beat before, and the latency would be the interval."""


class Outgoing(NamedTuple):
    """An event that is queued for the websocket."""

    dispatch: Dispatch
    replayed: bool


class Connection:
    """A client's websocket, before and after it has a session."""

    def __init__(
        self, core: Core, socket: web.WebSocketResponse, request: web.Request, compress: Compress | None
    ) -> None:
        self.core = core
        self.session: Session | None = None
        self.presence: Any = None
        self.version = request.query.get("v")
        self.ended: tuple[str, int | None] | None = None
        """`closed` by the server and with which code, once it has decided to."""
        self._socket = socket
        self._request = request
        self._compress = compress
        self._outbox: asyncio.Queue[str | Outgoing] = asyncio.Queue()
        self._received: deque[float] = deque()
        self._last_heartbeat = time.monotonic()

    @property
    def shard(self) -> int:
        return 0 if self.session is None else self.session.shard

    @property
    def session_id(self) -> str:
        return "" if self.session is None else self.session.id

    # --- sending ---

    def send(self, op: Op, data: object = None) -> None:
        """Queues a payload that is no event."""
        self._outbox.put_nowait(text_of({"op": int(op), "d": data, "s": None, "t": None}))

    def send_event(self, dispatch: Dispatch, *, replayed: bool = False) -> None:
        """Queues an event; the ledger has it when it is written."""
        self._outbox.put_nowait(Outgoing(dispatch, replayed))

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            written = await self._written(item if isinstance(item, str) else item.dispatch.text)
            if isinstance(item, Outgoing):
                self._note(item, written)
            self._outbox.task_done()

    async def _written(self, text: str) -> bool:
        try:
            if self._compress is None:
                await self._socket.send_str(text)
            else:
                await self._socket.send_bytes(self._compress(text))
        except ConnectionError:
            return False
        return True

    def _note(self, item: Outgoing, written: bool) -> None:
        dispatch, ledger = item.dispatch, self.core.ledger
        if written:
            dispatch.written = True
            if self.session is not None:
                self.session.written = max(self.session.written, dispatch.sequence)
            ledger.event(
                self.shard, self.session_id, dispatch.type, dispatch.sequence, replayed=item.replayed
            )
            if dispatch.type in ("READY", "RESUMED"):
                ledger.connection(self.shard, self.session_id, dispatch.type.lower())
        elif not item.replayed:
            ledger.withheld(self.shard, dispatch.type)

    def _note_unsent(self) -> None:
        while not self._outbox.empty():
            item = self._outbox.get_nowait()
            if isinstance(item, Outgoing):
                self._note(item, written=False)

    # --- ending ---

    async def finish(self, code: int, reason: str = "") -> None:
        """Sends what is queued and closes with a close code."""
        if self.ended is None:
            self.ended = ("closed", code)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._outbox.join()
            await self._socket.close(code=code, message=reason.encode()[:120])

    def cut(self) -> None:
        """Breaks the TCP connection: a reset, no close frame."""
        self.ended = self.ended or ("closed", None)
        self._detach()
        reset(self._request)

    def _detach(self) -> None:
        if self.session is not None and self.session.connection is self:
            self.session.connection = None

    # --- receiving ---

    async def serve(self) -> None:
        """Talks to the client until either side ends it."""
        writer = asyncio.create_task(self._write())
        interval_ms = int(self.core.gateway.settings.heartbeat_interval * 1000)
        self.send(Op.HELLO, {"heartbeat_interval": interval_ms, "_trace": ["loopback"]})
        try:
            await self._receive()
        except Closed as closed:
            await self.finish(closed.code, str(closed))
        finally:
            self._detach()
            writer.cancel()
            self._note_unsent()
            what, code = self.ended or ("left", self._socket.close_code)
            if what == "left" and code in (1000, 1001) and self.session is not None:
                self.core.gateway.forget(self.session)
            self.core.ledger.connection(self.shard, self.session_id, what, code)

    async def _receive(self) -> None:
        patience = self.core.gateway.settings.heartbeat_interval * 2
        while True:
            left = self._last_heartbeat + patience - time.monotonic()
            try:
                message = await self._socket.receive(timeout=max(left, 0.001))
            except TimeoutError:
                raise Closed(4009, "Session timed out.") from None
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            self._count_payload()
            await self._handle(message.data)

    def _count_payload(self) -> None:
        now = time.monotonic()
        self._received.append(now)
        while self._received[0] < now - 60:
            self._received.popleft()
        if len(self._received) > self.core.gateway.settings.payloads_per_minute:
            raise Closed(4008, "Rate limited.")

    async def _handle(self, text: str | bytes) -> None:
        if len(text) > LARGEST_PAYLOAD:
            raise Closed(4002, "Payload is too large.")
        try:
            payload = json.loads(text)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            raise Closed(4002, "Error while decoding payload.") from None
        handler = self._HANDLERS.get(op)
        if handler is None:
            raise Closed(4001, "Unknown opcode.")
        if self.session is None and op not in (Op.HEARTBEAT, Op.IDENTIFY, Op.RESUME):
            raise Closed(4003, "Not authenticated.")
        try:
            handler(self, data)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Closed(4002, "Error while decoding payload.") from None

    def _heartbeat(self, sequence: int | None) -> None:
        # Before a RESUME discord.py beats with the number of the session that it is about to take up.
        if self.session is not None and (sequence or 0) > self.session.sequence:
            self.core.gateway.forget(self.session)
            raise Closed(4007, "Invalid seq.")
        self._last_heartbeat = time.monotonic()
        self.core.ledger.connection(self.shard, self.session_id, "heartbeat")
        if self.core.faults.unacknowledging(self.shard):
            self.core.ledger.connection(self.shard, self.session_id, "unacknowledged")
        else:
            asyncio.get_running_loop().call_later(ACKNOWLEDGED_AFTER_S, self.send, Op.HEARTBEAT_ACK)

    def _identify(self, data: dict[str, Any]) -> None:
        if self.session is not None:
            raise Closed(4005, "Already authenticated.")
        welcome.identify(self, data)

    def _resume(self, data: dict[str, Any]) -> None:
        if self.session is not None:
            raise Closed(4005, "Already authenticated.")
        welcome.resume(self, data)

    def _update_presence(self, data: dict[str, Any]) -> None:
        self.presence = data

    def _update_voice_state(self, data: dict[str, Any]) -> None:
        voice.update_bot(self.core, self.session_id, data)

    def _request_members(self, data: dict[str, Any]) -> None:
        assert self.session is not None
        member_chunks.answer(self.core, self.session, data)

    _HANDLERS: dict[int, Callable[[Connection, Any], None]] = {
        Op.HEARTBEAT: _heartbeat,
        Op.IDENTIFY: _identify,
        Op.PRESENCE_UPDATE: _update_presence,
        Op.VOICE_STATE_UPDATE: _update_voice_state,
        Op.RESUME: _resume,
        Op.REQUEST_GUILD_MEMBERS: _request_members,
    }


def reset(request: web.BaseRequest) -> None:
    """Breaks a request's TCP connection so that the other side sees a reset."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
