"""A server of a few lines that a test tells what to answer, and a proxy that does what proxies do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from whisperwatch.watcher.http_client import HttpClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Request:
    """What came: its first line, its headers by name in lower case, its body; and over which connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Server:
    """Answers by `answer`, which is bytes, or what is called with the request and the writer."""

    answer: bytes | Callable[[Request, asyncio.StreamWriter], Awaitable[bytes]] = OK
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: set[int] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{'localhost' if self.scheme == 'https' else '127.0.0.1'}:{self.port}"

    async def until_open(self, count: int) -> None:
        """Wait until so many connections are open."""
        async with asyncio.timeout(10):
            while len(self.open) != count:
                self.changed.clear()
                await self.changed.wait()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self.open.add(number)
        self.changed.set()
        with contextlib.suppress(asyncio.IncompleteReadError, OSError), contextlib.closing(writer):
            try:
                while not writer.is_closing():
                    request = await read_request(reader, number)
                    self.requests.append(request)
                    await self.handle(request, (reader, writer))
            finally:
                self.open.discard(number)
                self.changed.set()

    async def handle(self, request: Request, streams: Streams) -> None:
        answer = self.answer
        streams[1].write(answer if isinstance(answer, bytes) else await answer(request, streams[1]))


class Proxy(Server):
    """Answers what is asked of it by http itself; carries what is said through a tunnel to `there`."""

    there: Server

    async def handle(self, request: Request, streams: Streams) -> None:
        if not request.line.startswith("CONNECT"):
            return await super().handle(request, streams)
        if self.answer != OK:
            streams[1].write(self.answer)
            return None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.there.port)
        streams[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.closing(writer):
            await asyncio.gather(carry(streams[0], writer), carry(reader, streams[1]))
        return None


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def read_request(reader: asyncio.StreamReader, connection: int) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body, connection)


@pytest.fixture
async def started() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Starts such servers, by TLS where a context is given."""
    running: list[tuple[asyncio.Server, Server]] = []

    async def start(server: Server, tls: ssl.SSLContext | None = None) -> Server:
        listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
        running.append((listening, server))
        server.port = listening.sockets[0].getsockname()[1]
        server.scheme = "https" if tls else "http"
        return server

    yield start
    for listening, server in running:
        listening.close()
        await server.until_open(0)


@pytest.fixture
async def server(started: Any) -> Server:
    return await started(Server())


@pytest.fixture
async def proxy(started: Any) -> Proxy:
    return await started(Proxy())


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., HttpClient]]:
    """Makes clients that end with the test; no proxy is named."""
    made = []
    for scheme in ("http", "https", "no", "all"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)

    def make(
        url: str, headers: Any = (), tls: Any = None, connections: int = 4, timeout_s: float = 10
    ) -> Any:
        made.append(HttpClient(url, headers, tls, connections, timeout_s))
        return made[-1]

    yield make
    for one in made:
        await one.close()
