"""uvicorn as a guest of the watcher's loop: the port is taken first, signals stay alone, stopping is quick."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from ipaddress import ip_address
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

_BACKLOG: Final = 512
NEXT_PORTS: Final = 10
"""So many ports are tried, the one that is set included: as many bots of one machine, of which none was told where."""
_STOP_S: Final = 1
"""Whole seconds for answers under way to finish, when the server stops."""


class PortError(OSError):
    """The address can't be listened on; the message says which setting to change."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for `host` (a name may stand for IPv4 and IPv6 both) and `port` (0: any free one).

    Raises:
        PortError: the port is taken or not allowed, or the host is not an address of this machine.
    """
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            sockets.append(_listen(family, (address, port)))
            port = port or sockets[0].getsockname()[1]
    except OSError as error:
        for taken in sockets:
            taken.close()
        raise PortError(error.errno, _advice(error, host, port)) from error
    return sockets


def bind_near(host: str, port: int) -> list[socket.socket]:
    """As `bind`, where the port is taken at one of those behind it.

    Raises:
        PortError: all of them are taken, or there is another reason.
    """
    last = min(port + NEXT_PORTS, 65536) - 1 if port else 0
    for one in range(port, last + 1):
        try:
            return bind(host, one)
        except PortError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise PortError(errno.EADDRINUSE, _all_taken(host, port, last))


def public(sockets: Sequence[socket.socket]) -> bool:
    """Whether others than this machine can reach one of these."""
    return not all(ip_address(one.getsockname()[0].partition("%")[0]).is_loopback for one in sockets)


class WebServer:
    """Serves `app` on bound sockets, in the running loop."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket]) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_STOP_S,
        )
        self._server = _Server(config)
        self._sockets = list(sockets)
        self._task: asyncio.Task[None] | None = None
        self.url = _url(self._sockets[0])

    async def start(self) -> None:
        """Serves from now on.

        Raises:
            RuntimeError: the application's lifespan failed.
        """
        self._task = asyncio.create_task(self._serve(), name="whisperwatch web")
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Closes the port at once, lets answers under way finish (bounded)."""
        self._server.should_exit = True
        self._server.told.set()
        if self._task is not None:
            await self._task

    async def _serve(self) -> None:
        try:
            await self._server.serve(self._sockets)
        except SystemExit as error:  # uvicorn's way to say so would end the whole process
            for listening in self._sockets:
                listening.close()
            raise RuntimeError("the web application did not start: its lifespan failed") from error


class _State(ServerState):
    """uvicorn's, whose `Date` is made when somebody asks and not once a second."""

    def __init__(self) -> None:
        super().__init__()
        self._made = (0, b"")

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        now = int(time.time())
        if self._made[0] != now:
            self._made = now, formatdate(now, usegmt=True).encode()
        return [(b"date", self._made[1])]

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """uvicorn's constructor sets an empty list."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers, for the watcher's process has its own, and without ten turns a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _State()
        self.told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.told.wait()


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    if host == "*":
        families = [(socket.AF_INET, "0.0.0.0")]
        return [*families, (socket.AF_INET6, "::")] if socket.has_ipv6 else families
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _listen(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it an answer takes 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _advice(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: set HEALTH_CHECK_PORT to a free one"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is not allowed to this user: set HEALTH_CHECK_PORT to one above 1023"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host!r} is no address of this machine: set HEALTH_CHECK_HOST to 127.0.0.1, ::1, or * for all"
        )
    return f"{host} port {port} can't be listened on ({error}): set HEALTH_CHECK_HOST and HEALTH_CHECK_PORT"


def _all_taken(host: str, port: int, last: int) -> str:
    return (
        f"ports {port} to {last} of {host} are in use, so /health and /metrics are not served until one is free; the "
        f"bot runs on. Set HEALTH_CHECK_PORT to a free port, or HEALTH_CHECK_ENABLED=false"
    )


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"
