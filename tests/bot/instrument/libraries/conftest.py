"""Real servers for the libraries that are instrumented: one of each for all tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries import endpoints
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.providers import Providers
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.demo.home import Home

STATED = (semconv.SERVER_ADDRESS, semconv.SERVER_PORT, semconv.DB_SYSTEM, semconv.DB_NAMESPACE)
"""What each span of a server says, and is left out where spans are compared."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def postgres() -> AsyncIterator[str]:
    """The DSN of a PostgreSQL of our own."""
    from whisperwatch.demo.backends.postgres import Postgres

    async with Home() as home:
        server = Postgres(home)
        await server.start()
        yield server.dsn
        await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis_url() -> AsyncIterator[str]:
    """The URL of a Redis of our own."""
    from whisperwatch.demo.backends.redis import Redis

    async with Home() as home:
        server = Redis(home)
        await server.start()
        yield server.url
        await server.stop()


class Records:
    """What was recorded of the calls of one test."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._defined = len(recorder.definitions)

    def spans(self) -> list[dict[str, Any]]:
        """Each span that is over: its attributes, and `name`, `failed`, `events`, `parent`, `id`, `kind`."""
        sets = {d[1]: d[2] for d in self.recorder.definitions if d[0] == "attributes"}
        return [
            {
                **sets.get(record[9], {}), **(record[10] or {}), "name": record[5], "kind": record[6],
                "failed": record[11] == 2, "id": record[1], "parent": record[2], "trace": record[0],
                "events": [(event[0], event[2]) for event in record[13] or ()],
            }
            for record in self.recorder.take_spans(100_000)
        ]  # fmt: skip

    def names(self) -> list[str]:
        return [span["name"] for span in self.spans()]

    def cells(self, metric: semconv.Metric) -> dict[tuple[Any, ...], Any]:
        """By the values of a metric's attributes: the value, or a histogram's count; what is zero is left out."""
        found = {}
        for cell in self.recorder.instrument(metric):
            value = cell.value if hasattr(cell, "value") else sum(cell.counts)
            if value:
                found[tuple(cell.attributes.get(key) for key in metric.attributes)] = value
        return found

    def endpoints(self) -> list[tuple[str, dict[str, Any]]]:
        """The endpoints that the watcher was told of."""
        return [(d[2], d[3]) for d in self.recorder.definitions[self._defined :] if d[0] == "endpoint"]


@pytest.fixture
def records(installed: Providers, recording: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """The libraries that the test has imported are instrumented; what is recorded is here."""
    monkeypatch.setattr(endpoints, "_known", set())
    monkeypatch.delenv("WHISPERWATCH_LIBRARIES", raising=False)
    registry.apply()
    yield Records(recording)
    registry.undo()
