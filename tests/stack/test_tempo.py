"""A real Tempo and the embedded store, with the same traces: where WHISPERWATCH_TEST_TEMPO (its API's address) and
WHISPERWATCH_TEST_TEMPO_OTLP (its OTLP/HTTP receiver's) name one."""

from __future__ import annotations

import asyncio
import os
import random
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.contract.bot import Bot

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.kept_spans import KeptSpans
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.answers import Trace, TraceList
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Match, Period, TraceSearch
from whisperwatch.watcher.query.tempo.engine import Tempo
from whisperwatch.watcher.records import LocalStream, Span
from whisperwatch.watcher.settings.stores import StoreTarget
from whisperwatch.watcher.store.metrics.taken import text_of
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.store.traces import Traces

API, OTLP = os.environ.get("WHISPERWATCH_TEST_TEMPO"), os.environ.get("WHISPERWATCH_TEST_TEMPO_OTLP")
pytestmark = [
    pytest.mark.skipif(not (API and OTLP), reason="no Tempo is named"),
    pytest.mark.asyncio(loop_scope="module"),
]
REDACTION = Redaction(b"k" * 32)
HOUR = Period(3600.0)


@dataclass
class Both:
    embedded: EmbeddedTraces
    tempo: Tempo
    start: float
    end: float
    ids: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    service, now = f"bot-{uuid.uuid4()}", time.time()
    bot = Bot("one", now)
    bot.send()  # its scope
    bot.stream.resource["service.name"] = service
    bot.stream.attribute_sets[1] = {semconv.COMMAND: "ask", "flag": True, "n": 5}
    chance = random.Random()  # another run may be kept there
    spans = [
        span for number in range(40) for span in _trace(chance, number, int((now - 100 + number * 2) * 1e9))
    ]
    traces = Traces()
    traces.add(KeptSpans(REDACTION).parts(bot.stream, spans, 0))
    store = Store(_path(tmp_path_factory), (traces,), lambda: 10**9, LocalStream({}))
    await store.open()
    assert await store.write()
    encoder = SpanEncoder(bot.stream, REDACTION)
    body = encoder.enclosed({scope: [part] for scope, part in encoder.encode(spans, 0).items()})
    await asyncio.to_thread(_post, f"{OTLP}/v1/traces", body)
    assert API is not None
    client = StoreClient(StoreTarget("tempo", API, (), None, None, None, 30.0))
    found = Both(
        EmbeddedTraces(store.readers),
        Tempo(client, service),
        now - 700,
        now,
        sorted({f"{s[0]:032x}" for s in spans}),
    )
    await _all_there(found)
    yield found
    await client.close()
    await store.stop()


async def _all_there(both: Both) -> None:
    async with asyncio.timeout(60):
        found: TraceList | None = None
        while found is None or len(found.traces) < len(both.ids):
            await asyncio.sleep(0.2)
            found = await both.tempo.search(TraceSearch(HOUR, most=100), both.start, both.end)


def _path(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("store") / "store.db"


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"content-type": "application/x-protobuf"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def _trace(chance: random.Random, number: int, start: int) -> list[Span]:
    """A root of some length, a command below it, and in some a failure there."""
    trace_id, whole = chance.getrandbits(128), chance.randrange(1, 4000) * 1_000_000
    failed = number % 4 == 0

    def span(span_id: int, parent: int, name: str, kind: int, end: int, *more: Any) -> Span:
        static, attributes, status, description, events = more
        return (
            trace_id, span_id, parent, 1, None, name, kind, start + span_id, end, static, attributes, status,
            description, events, None, 1, None,
        )  # fmt: skip

    root = ("message", "interaction")[number % 2]
    event = ("exception", start + 5, {"exception.type": "TimeoutError"}, 0)
    return [
        span(1, 0, root, 4, start + whole, 0, {"discord.event.name": root, 'odd "key"': 'a"b'}, 0, None, None),
        span(
            2, 1, "command ask", 0, start + whole // 2, 1, {"round": number % 3}, 2 if failed else 0,
            "it failed" if failed else None, (event,) if failed else None,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "search",
    [
        TraceSearch(HOUR),
        TraceSearch(HOUR, roots=("message",)),
        TraceSearch(HOUR, roots=("message", "interaction")),
        TraceSearch(HOUR, roots=('x" || true || "',)),
        TraceSearch(HOUR, longer_s=1.0),
        TraceSearch(HOUR, longer_s=0.5, shorter_s=2.0),
        TraceSearch(HOUR, error=True),
        TraceSearch(HOUR, error=False),
        TraceSearch(HOUR, where=(Match(semconv.COMMAND, ("ask",)), Match("round", ("2",)))),
        TraceSearch(HOUR, where=(Match("flag", ("true",)), Match("round", ("0", "1")))),
        TraceSearch(HOUR, where=(Match('odd "key"', ('a"b',)),)),
        TraceSearch(HOUR, where=(Match(semconv.COMMAND, ("nobody",)),)),
        TraceSearch(HOUR, instance="one", roots=("interaction",), error=True),
        TraceSearch(HOUR, instance="two"),
    ],
)
async def test_the_same_traces(both: Both, search: TraceSearch) -> None:
    search = replace(search, most=100)
    embedded = await both.embedded.search(search, both.start, both.end)
    tempo = await both.tempo.search(search, both.start, both.end)
    assert [(one.trace_id, one.root, one.start, one.error) for one in embedded.traces] == [
        (one.trace_id, one.root, one.start, one.error) for one in tempo.traces
    ]
    for one, other in zip(embedded.traces, tempo.traces, strict=True):
        assert other.duration_s == pytest.approx(one.duration_s, abs=0.002)
        assert other.spans == one.spans


async def test_the_slowest_first(both: Both) -> None:
    search = TraceSearch(HOUR, most=5, slowest=True)
    embedded = await both.embedded.search(search, both.start, both.end)
    tempo = await both.tempo.search(search, both.start, both.end)
    assert [one.trace_id for one in embedded.traces] == [one.trace_id for one in tempo.traces]


async def test_a_trace_whole(both: Both) -> None:
    for trace_id in both.ids[:5]:
        assert _plain(await both.tempo.trace(trace_id)) == _plain(await both.embedded.trace(trace_id))
    assert (await both.tempo.trace("f" * 32)).spans == ()


def _plain(trace: Trace) -> list[Any]:
    return [
        replace(one, attributes={key: text_of(value) for key, value in one.attributes.items()})
        for one in trace.spans
    ]
