"""Chroma, the vector store: what `chroma run` runs, without importing all of chromadb for it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import aiohttp

from whisperwatch.demo.backends.child import Child
from whisperwatch.demo.backends.ports import free_port
from whisperwatch.demo.home import Home

_RUN = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', 'run', *sys.argv[1:]])"
_QUIET = {"ANONYMIZED_TELEMETRY": "False", "NO_COLOR": "1"}


class Chroma:
    """A server of our own on a free port of the loopback interface, persisted in the demo's directory."""

    name = "Chroma"

    def __init__(self, home: Home) -> None:
        self._home = home
        self._port = 0
        self._child: Child | None = None

    @property
    def _room(self) -> Path:
        return self._home.path / "chroma"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        return {"CHROMA_URL": self.url} | _QUIET

    async def start(self) -> None:
        """Start the server.

        Raises:
            DemoError: it doesn't come up; the message says why.
        """
        self._home.room("chroma")
        self._port = free_port()
        where = ("--host", "127.0.0.1", "--port", str(self._port), "--path", str(self._room))
        self._child = Child(
            "chroma", self._home, (sys.executable, "-c", _RUN, *where), environment=dict(os.environ) | _QUIET
        )
        await self._child.start()
        await self._child.until(self._answers)

    async def stop(self) -> None:
        """End the server and remove its data."""
        if self._child is not None:
            await self._child.stop()
        await asyncio.to_thread(shutil.rmtree, self._room, ignore_errors=True)

    async def _answers(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{self.url}/api/v2/heartbeat") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False
