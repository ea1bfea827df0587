"""The watcher's port: taken at once, or as soon as it is free."""

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
from whisperwatch.watcher.web.server import PortError, WebServer, bind, public

_AGAIN_S: Final = 2.0
"""A busy port is asked for again: a bot that was just stopped may have left a watcher, which lingers on it."""
_logger = logging.getLogger("whisperwatch")


class Serving:
    """Serves an application where the settings say.

    Args:
        make: makes the application; is told whether others than this machine can reach it.

    Attributes:
        problem: why it isn't served; None where it is, and where it isn't to be.
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
            await self._serve(bind(self._settings.host, self._settings.port))
        except PortError as error:
            self.problem = error.strerror or str(error)
            self._busy = error.errno == errno.EADDRINUSE

    async def run(self) -> None:
        """Wait for a port that is busy."""
        while self._busy:
            await asyncio.sleep(_AGAIN_S)
            with contextlib.suppress(PortError):
                await self._serve(bind(self._settings.host, self._settings.port))
                self._busy, self.problem = False, None
                _logger.warning("the port is free now: /health and /metrics are served at %s", self.url)

    async def stop(self) -> None:
        """Serve no more."""
        if self._server is not None:
            await self._server.stop()

    async def _serve(self, sockets: Sequence[socket.socket]) -> None:
        self._server = WebServer(self._make(public(sockets)), sockets)
        await self._server.start()
