from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from whisperwatch.watcher.health.judging import Components
from whisperwatch.watcher.health.watch import HealthWatch
from whisperwatch.watcher.records import Stream
from whisperwatch.watcher.web.app import app
from whisperwatch.watcher.web.health import Access
from whisperwatch.watcher.web.server import WebServer, bind

SECRET_NAME = "1098765432109876543"


def beat(**changed: Any) -> dict[str, Any]:
    now = time.monotonic_ns()
    shards = {0: {"up": True, "latency": 0.1, "last_event": now}}
    bots = [{"name": SECRET_NAME, "ready": True, "closed": False, "shards": shards}]
    return {"sent": now, "loop": (now, None), "bots": bots, "tape": (0, 0)} | changed


def living_source() -> SimpleNamespace:
    """A bot's process that has just sent a beat, as `watcher.source` has it."""
    now = time.monotonic_ns()
    known = {"pid": 987654, "instance": "c0ffee", "slot": 0, "connected": True, "connected_ns": now}
    rest = {"beat_received_ns": now, "holder": None, "unreadable": None, "ended": None, "stream": Stream({})}
    return SimpleNamespace(**known, beat=beat(), **rest)


@dataclass
class Served:
    """A server on a free port, what it reports on, and a client for it."""

    sources: list[SimpleNamespace] = field(default_factory=lambda: [living_source()])
    metrics: Callable[[str], tuple[bytes, str]] = lambda accept: (
        b"# TYPE a counter\n",
        "text/plain; version=0.0.4",
    )
    live_after_s: float = 60.0
    access: Access | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[httpx.AsyncClient]:
        components = Components(lambda: [source.stream for source in self.sources], lambda: self.sources)
        health = HealthWatch(lambda: self.sources, components=components)
        asked = app(health, lambda accept: self.metrics(accept), self.live_after_s, self.access)
        server = WebServer(asked, bind("127.0.0.1", 0))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url) as client:
                yield client
        finally:
            await server.stop()


@pytest.fixture
def served() -> Served:
    return Served()
