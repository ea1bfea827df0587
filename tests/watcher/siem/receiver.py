"""A small syslog receiver: RFC 5424 in frames with a length before them, over TCP or TLS. Anything else is an error."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass

_MESSAGE = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<tag>[!-~]{1,48}) (?P<process>[!-~]{1,128}) "
    r"(?P<id>[!-~]{1,32}) - (?P<text>.*)"
)


@dataclass(frozen=True)
class Message:
    """What came, by RFC 5424."""

    priority: int
    time: str
    host: str
    tag: str
    process: str
    id: str
    text: str


class Receiver:
    """Takes messages on loopback. `reads` off: it accepts, and lets everything lie."""

    def __init__(self, tls: ssl.SSLContext | None = None, reads: bool = True) -> None:
        self.messages: list[Message] = []
        self.errors: list[str] = []
        self.connections = 0
        self._tls, self._reads = tls, reads
        self._closing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> Receiver:
        """Listen; after `close` on the same port again."""
        self._server = await asyncio.start_server(
            self._converse, "127.0.0.1", self.port, ssl=self._tls, limit=2**14, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Listen no more, and hang up."""
        assert self._server is not None
        self._server.close()
        self._closing.set()
        await self.hang_up()

    async def hang_up(self) -> None:
        """End all connections; those who come again are let in."""
        for writer in self._writers:
            writer.close()
        await self.until(lambda: not self._writers)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that happened makes `condition` true."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        await self._tell()
        try:
            if not self._reads:
                await self._closing.wait()
                return
            while prefix := await reader.readuntil(b" "):
                body = await reader.readexactly(int(prefix))
                found = _MESSAGE.fullmatch(body.decode())
                if found is None:
                    self.errors.append(repr(body))
                else:
                    self.messages.append(Message(int(found["priority"]), *found.groups()[1:]))
                await self._tell()
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.errors.append(f"cut short: {error.partial!r}")
        except (ValueError, asyncio.LimitOverrunError) as error:
            self.errors.append(f"no frame: {error}")
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
