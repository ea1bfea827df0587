"""The watcher's port: the one that is set, else the next that is free, else whichever is free first."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Final

from starlette.types import ASGIApp

from whisperwatch.watcher.settings.groups import Web
from whisperwatch.watcher.web.server import PortError, WebServer, bind_near, public

_AGAIN_S: Final = 2.0
"""Where all ports are busy they are asked for again: watchers of bots that were just stopped linger on theirs."""
_logger = logging.getLogger("whisperwatch")


class Serving:
    """Serves an application where the settings say.

    Args:
        make: makes the application; is told whether others than this machine can reach it.

    Attributes:
        problem: why it isn't served, or not where the settings say; None where it is, and where it isn't to be.
    """

    def __init__(self, settings: Web, make: Callable[[bool], ASGIApp]) -> None:
        self._settings, self._make = settings, make
        self._server: WebServer | None = None
        self._busy = False
        self.problem: str | None = None

    @property
    def url(self) -> str | None:
        """Where it is served; None where it isn't."""
        return None if self._server is None else self._server.url

    async def start(self) -> None:
        """Serve, where the port can be had."""
        if not self._settings.enabled:
            return
        try:
            await self._serve(bind_near(self._settings.host, self._settings.port))
        except PortError as error:
            self.problem = error.strerror or str(error)
            self._busy = error.errno == errno.EADDRINUSE

    async def run(self) -> None:
        """Wait for a port, where all are busy. Who has one keeps it: whose the other is may come back."""
        while self._busy:
            await asyncio.sleep(_AGAIN_S)
            with contextlib.suppress(PortError):
                await self._serve(bind_near(self._settings.host, self._settings.port))
                self._busy = False
                _logger.warning("a port is free now: /health and /metrics are served at %s", self.url)

    async def stop(self) -> None:
        """Serve no more."""
        if self._server is not None:
            await self._server.stop()

    async def _serve(self, sockets: Sequence[socket.socket]) -> None:
        self._server = WebServer(self._make(public(sockets)), sockets)
        await self._server.start()
        self.problem = self._elsewhere(sockets[0].getsockname()[1])

    def _elsewhere(self, port: int) -> str | None:
        if port == self._settings.port or not self._settings.port:
            return None
        return (
            f"port {self._settings.port} of {self._settings.host} is in use: /health and /metrics are served at "
            f"{self.url} instead. Set HEALTH_CHECK_PORT to a port of this bot's own where others look for it"
        )
