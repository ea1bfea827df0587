from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from whisperwatch.demo.home import Home
from whisperwatch.watcher.health.probes.prober import Probe, Timing
from whisperwatch.watcher.health.probes.targets import target
from whisperwatch.watcher.records import Endpoint

PATIENCE_S = 30.0


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    async with Home() as home:
        yield home


@pytest.fixture
def probe_of() -> Callable[..., Probe]:
    """Makes a probe of what a bot was seen to connect with."""

    def make(system: str, timing: Timing | None = None, **arguments: Any) -> Probe:
        found = target(Endpoint(system, arguments))
        assert found is not None
        return Probe(found, timing or Timing(0.1, timeout_s=6.0, attempts=2, delay_s=0.05))

    return make


@pytest.fixture
async def until() -> Callable[..., Any]:
    """Waits until something holds."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - of what a probe holds
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def lying() -> AsyncIterator[Callable[..., Any]]:
    """Starts servers that answer whatever they are asked with the same bytes, or with nothing (None)."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer: bytes | None) -> int:
            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                stack.callback(writer.transport.abort)
                with contextlib.suppress(ConnectionError):
                    await reader.read(1)
                    if answer is None:
                        await reader.read()
                    else:
                        writer.write(answer)
                        await writer.drain()
                writer.close()

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            stack.callback(server.close)
            port: int = server.sockets[0].getsockname()[1]
            return port

        yield start
    await asyncio.sleep(0.01)  # what was cut off is closed at the loop's next turns
