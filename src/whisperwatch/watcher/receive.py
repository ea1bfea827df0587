"""The watcher's end of the tape: takes each bot process' connection, and keeps a `Source` for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from whisperwatch import tape
from whisperwatch.semconv import SELF_RECEIVED, SIGNAL
from whisperwatch.version import __version__
from whisperwatch.watcher.asked import Answer, Asked, no_answer
from whisperwatch.watcher.calls import Calls
from whisperwatch.watcher.connection import Connection, Frame
from whisperwatch.watcher.departure import Process
from whisperwatch.watcher.instances import Instances
from whisperwatch.watcher.records import LocalStream, Log, Span, Stream
from whisperwatch.watcher.redaction import Redactor, environment_of
from whisperwatch.watcher.source import Ended, Source

_logger = logging.getLogger(__name__)

_HELLO_S: Final = 10.0
_FLUSH_S: Final = 4.0
"""For a goodbye: less than a bot waits for the farewell."""
_DYING_S: Final = 1.0
"""A process is gone so soon after its connection, or it lives on."""
_LOOK_EVERY_S: Final = 5.0
_KEPT_ENDED: Final = 16


class Pipeline(Protocol):
    """What the receiver needs of `pipeline.Pipeline`."""

    def add_spans(self, stream: Stream, spans: list[Span], wall_offset_ns: int) -> None: ...
    def add_logs(self, stream: Stream, logs: list[Log], wall_offset_ns: int) -> None: ...
    def passed(self, stream: Stream) -> tuple[int, int]: ...
    def export_metrics(self, streams: Iterable[Stream]) -> None: ...
    def end(self, stream: Stream) -> None: ...
    async def flush(self, timeout_s: float) -> bool: ...


class Receiver:
    """Serves the tape.

    Args:
        pipeline: takes the spans and the logs.
        instances: assigns instance ids.
        resource: the attributes of a process' resource, from its HELLO and its instance id.
        welcome: the WELCOME's fields that are the same for all: url, settings, problems.
        own: takes the receiver's own figures.
        met: called when a process has come.
        redactor: takes secrets out of what describes metrics.
        answer: answers what a bot's admins or a terminal ask.
        saw: told the ids of users whom the bots have answered.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        instances: Instances,
        resource: Callable[[Mapping[str, Any], str], Mapping[str, Any]],
        welcome: Callable[[], Mapping[str, Any]],
        own: LocalStream,
        met: Callable[[], None] = lambda: None,
        redactor: Redactor | None = None,
        answer: Answer = no_answer,
        saw: Callable[[Iterable[object]], None] = lambda _: None,
    ) -> None:
        self._saw = saw
        self._redactor = redactor
        self._met = met
        self._asked = Asked(answer, own)
        self._pipeline, self._instances, self._resource, self._welcome = (
            pipeline,
            instances,
            resource,
            welcome,
        )
        self._own = own
        self.log_characters = 0
        """Of all messages that have come."""
        for signal in ("spans", "logs"):
            own.add(SELF_RECEIVED, 0, {SIGNAL: signal})
        self._sources: list[Source] = []
        self._connections: dict[Source, Connection] = {}
        self.calls = Calls(self._connections)
        """What the processes are to do."""
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._alone_since = time.monotonic()

    @property
    def sources(self) -> Sequence[Source]:
        """Every process that is connected, and those that ended lately, in the order of their hellos."""
        return self._sources

    @property
    def streams(self) -> list[Stream]:
        """What is to be exported: of a process that has ended nothing goes on."""
        return [source.stream for source in self._sources if source in self._connections]

    async def listen(self, listening: socket.socket) -> None:
        """Take connections from the state directory's socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connection, sock=listening)

    async def take(self, connection: socket.socket) -> None:
        """Take the connection that the bot made before it started us."""
        await asyncio.get_running_loop().create_connection(self._connection, sock=connection)

    async def close(self) -> None:
        """Take no more, and hang up."""
        if self._server is not None:
            self._server.close()
        await self._asked.close()
        for conversation in list(self._conversations):
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def until_left(self, linger_s: float, after_goodbye_s: float) -> None:
        """Returns when no bot has been there for as long as the watcher lingers."""
        while True:
            timeout = None
            if not self._conversations:
                last = max(self._sources, key=lambda source: source.disconnected_ns, default=None)
                orderly = last is not None and last.ended is not None and last.ended.orderly
                stays_s = after_goodbye_s if orderly else linger_s
                timeout = self._alone_since + stays_s - time.monotonic()
                if timeout <= 0:
                    return
            self._changed.clear()
            # not wait_for: Python 3.11's can swallow a cancellation that comes together with what it waits for
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._changed.wait()

    def note(self, level: int, text: str) -> bool:
        """Have a bot log something; False when none is connected."""
        for connection in self._connections.values():
            connection.send((tape.NOTE, level, text))
            return True
        return False

    # --- one conversation -------------------------------------------------------------------------------------

    def _connection(self) -> Connection:
        return Connection(self._accept)

    def _accept(self, connection: Connection) -> None:
        conversation = asyncio.create_task(self._converse(connection), name="whisperwatch tape")
        self._conversations.add(conversation)
        self._changed.set()
        conversation.add_done_callback(self._hung_up)

    def _hung_up(self, conversation: asyncio.Task[None]) -> None:
        self._conversations.discard(conversation)
        self._alone_since = time.monotonic()
        self._changed.set()
        if not conversation.cancelled() and (error := conversation.exception()):
            _logger.error("a conversation with a bot failed", exc_info=error)

    async def _converse(self, connection: Connection) -> None:
        source = None
        try:
            source = await self._greet(connection)
            if source is not None:
                await self._take_all(source, connection)
        except ConnectionResetError:
            pass  # it hung up
        except TimeoutError:
            _logger.warning("a connection to the watcher said no hello within %g s: it is closed", _HELLO_S)
        except tape.TapeError as error:
            who = f"process {source.pid}" if source else "a connection that was no bot's"
            _logger.error("what %s sends can't be read, its connection is closed: %s", who, error)
        finally:
            connection.close()
            if source is not None:
                await self._part(source)

    async def _greet(self, connection: Connection) -> Source | None:
        async with asyncio.timeout(_HELLO_S):
            kind, *rest = await connection.first()
        if kind == tape.ASK:
            await self._asked.terminal(connection, rest)
            return None
        if kind != tape.HELLO or len(rest) != 1 or not isinstance(rest[0], dict):
            raise tape.TapeError(f"it begins with {kind!r} and not with a hello")
        hello = rest[0]
        if reason := tape.mismatch(hello):
            connection.send((tape.REFUSED, {"reason": reason}))
            return None
        source = self._meet(hello, _pid(connection, hello))
        self._connections[source] = connection
        about = {"tape": tape.VERSION, "pid": os.getpid(), "version": __version__, **self._welcome()}
        about |= {"instance": source.instance, "restarts": source.restarts, "slot": source.slot}
        connection.send((tape.WELCOME, about))
        self._met()
        return source

    def _meet(self, hello: dict[str, Any], pid: int) -> Source:
        process = Process(pid)
        if self._redactor is not None:
            self._redactor.learn(environment_of(pid))
        place = self._instances.assign(pid, process.started)
        # a process that comes back, or the next one in its slot
        self._sources = [s for s in self._sources if s.slot != place.slot or s in self._connections]
        stream = Stream(self._resource(hello, place.instance), place.slot, self._redactor)
        stream.returned = time.time_ns() if place.returned else 0
        source = Source(process, place, hello, stream)
        self._sources.append(source)
        return source

    async def _take_all(self, source: Source, connection: Connection) -> None:
        goodbyes: list[Frame] = []
        seq, acknowledged, due = 0, (0, 0), False
        looked = time.monotonic()

        def hear(frame: Frame) -> None:
            nonlocal seq, due
            if frame[0] == tape.BATCH and len(frame) == 8:
                self._take(source, frame)
                seq = frame[1]
                due = due or bool(frame[4] or frame[7]) or self._asked.busy
            elif frame[0] == tape.GOODBYE and len(frame) == 3:
                goodbyes.append(frame)
                connection.hang_up()
            elif frame[0] == tape.ASK:
                self._asked.take(connection, frame[1:])
            elif frame[0] == tape.RESULT:
                self.calls.returned(frame[1:])
            else:
                raise tape.TapeError(f"{frame[0]!r} with {len(frame)} fields is nothing that a bot says")

        def acknowledge() -> None:
            nonlocal due, acknowledged, looked
            passed = self._pipeline.passed(source.stream)
            if due or passed != acknowledged:
                due, acknowledged = False, passed
                connection.send((tape.ACK, seq, *passed))
            if time.monotonic() - looked > _LOOK_EVERY_S:
                looked = time.monotonic()
                source.process.look()

        await connection.listen(hear, acknowledge)
        for goodbye in goodbyes:
            await self._bid_farewell(source, goodbye, connection)

    def _take(self, source: Source, batch: tuple[Any, ...]) -> None:
        beat = batch[6]
        try:
            if isinstance(beat, dict):
                source.stream.hosted = frozenset(beat.get("hosted") or ())
                self._saw(beat.get("users") or ())
            self._own.add(SELF_RECEIVED, len(batch[5]), {SIGNAL: "metrics"})
            if spans := source.stream.take(batch):
                self._pipeline.add_spans(source.stream, spans, batch[2])
                self._own.add(SELF_RECEIVED, len(spans), {SIGNAL: "spans"})
            if logs := source.stream.logs_of(batch):
                self.log_characters += sum(len(log[4]) for log in logs)
                self._pipeline.add_logs(source.stream, logs, batch[2])
                self._own.add(SELF_RECEIVED, len(logs), {SIGNAL: "logs"})
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise tape.TapeError(f"a batch has another shape: {error!r}") from error
        if isinstance(beat, dict):
            source.hear(beat)

    async def _bid_farewell(self, source: Source, goodbye: Frame, connection: Connection) -> None:
        source.ended = Ended(time.time(), str(goodbye[2]), orderly=True)
        await self._pipeline.flush(_FLUSH_S)
        connection.send((tape.FAREWELL, goodbye[1]))

    async def _part(self, source: Source) -> None:
        source.connected, source.disconnected_ns = False, time.monotonic_ns()
        if source.ended is None and await source.process.gone(_DYING_S):
            source.ended = Ended(time.time(), source.process.why(), orderly=False)
            _logger.error("the bot's process %d has ended: %s", source.pid, source.ended.reason)
            self._pipeline.export_metrics([source.stream])
        self._pipeline.end(source.stream)
        del self._connections[source]
        self.calls.parted(source)
        source.process.close()
        ended = [s for s in self._sources if s not in self._connections]
        for old in ended[:-_KEPT_ENDED]:
            self._sources.remove(old)


def _pid(connection: Connection, hello: Mapping[str, Any]) -> int:
    """The pid as the kernel has it, in our own namespace; as the bot has it where the kernel doesn't say."""
    peer = connection.transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if pid := struct.unpack("3i", credentials)[0]:
            return int(pid)
    return int(hello.get("pid", 0))
