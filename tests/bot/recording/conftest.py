"""What the tests of recording share: the SDK's providers and ours side by side, and the watcher's view of the tape."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import IdGenerator, ReadableSpan, SpanLimits, sampling
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from whisperwatch import tape
from whisperwatch.bot.recording.recorder import Recorder, recorder
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Stream

RESOURCE = Resource({"service.name": "bot", "host.id": 7})
SCOPE = ("library", "1.2", "https://example.org/schema", {"team": "a", "numbers": [1, 2]})


@pytest.fixture(autouse=True)
def _fresh(recording: Recorder) -> None:
    """Every test of this room begins with nothing recorded."""


class SequentialIds(IdGenerator):
    """The same ids for the same sequence of questions."""

    def __init__(self, is_random: bool = True) -> None:
        self.last = 0
        self.is_random = is_random

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        self.last += 1
        return 0xABC << 64 | self.last

    def is_trace_id_random(self) -> bool:
        return self.is_random


@pytest.fixture(scope="session")
def sequential_ids() -> type[SequentialIds]:
    return SequentialIds


@dataclass
class Side:
    """One provider, what it exported, and what was said meanwhile."""

    provider: SDKTracerProvider
    exporter: InMemorySpanExporter
    said: list[str] = field(default_factory=list)

    @property
    def tracer(self) -> Any:
        name, version, schema_url, attributes = SCOPE
        return self.provider.get_tracer(name, version, schema_url, attributes)

    @property
    def finished(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()


@dataclass
class Twins:
    """The SDK's side and ours."""

    sdk: Side
    ours: Side

    def both(self, act: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Do the same with the tracer of each; what is logged meanwhile is each side's own."""
        return _listening(self.sdk, act), _listening(self.ours, act)


def _listening(side: Side, act: Callable[[Any], Any]) -> Any:
    handler = _Listener(side.said)
    root = logging.getLogger()
    root.addHandler(handler)
    random.seed(7)  # the ids of both sides, where they are random
    try:
        return act(side.tracer)
    finally:
        root.removeHandler(handler)


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        # the SDK names its private functions
        self._said.append(f"{record.levelname} {re.sub(r'calling _', 'calling ', record.getMessage())}")


@pytest.fixture(scope="session")
def twins() -> Callable[..., Twins]:
    """Makes an SDK provider and one of ours, with the same ids, sampler, limits and resource.

    Without `processors` ours has none, as in a bot, and what it made is on the tape alone.
    """

    def make(
        sampler: sampling.Sampler | None = None,
        limits: Mapping[str, Any] = {},
        ids: Callable[[], IdGenerator] = SequentialIds,
        processors: bool = True,
    ) -> Twins:
        recorder.spans.clear()
        sides = []
        for kind in (SDKTracerProvider, TracerProvider):
            provider = kind(
                sampler,
                RESOURCE,
                shutdown_on_exit=False,
                id_generator=ids(),
                span_limits=SpanLimits(**limits),
            )
            exporter = InMemorySpanExporter()
            if processors or kind is SDKTracerProvider:
                provider.add_span_processor(SimpleSpanProcessor(exporter))
            sides.append(Side(provider, exporter))
        return Twins(*sides)

    return make


@pytest.fixture(scope="session")
def readable() -> Callable[[ReadableSpan], dict[str, Any]]:
    """All that an exporter can read of a span, in plain types."""
    return read


def read(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "context": context(span.context),
        "same context": context(span.get_span_context()),
        "parent": context(span.parent),
        "kind": span.kind,
        "attributes": ordered(span.attributes),
        "events": [(e.name, e.timestamp, ordered(e.attributes), e.dropped_attributes) for e in span.events],
        "links": [(context(li.context), ordered(li.attributes), li.dropped_attributes) for li in span.links],
        "status": (span.status.status_code, span.status.description, span.status.is_ok),
        "start": span.start_time,
        "end": span.end_time,
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "resource": span.resource,
        "scope": repr(span.instrumentation_scope),
        "json": as_json(span),
    }


def as_json(span: ReadableSpan) -> str:
    try:
        return span.to_json()
    except TypeError as error:  # the SDK's has no JSON for bytes
        return str(error)


def context(given: Any) -> Any:
    return None if given is None else (*given[:4], list(given.trace_state.items()), given.is_valid)


def ordered(attributes: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    # by repr, because True and 1 and 1.0 are equal, and nan isn't
    return [(key, repr(value)) for key, value in (attributes or {}).items()]


@pytest.fixture(scope="session")
def watcher_encodes() -> Callable[[], bytes]:
    """Takes what the recorder has, through marshal to the watcher's encoder, as ResourceSpans bytes."""

    def encode() -> bytes:
        named = [
            definition for definition in recorder.definitions if definition[0] in ("scope", "attributes")
        ]
        batch = ("batch", 1, recorder.clock.offset, named, recorder.take_spans(1000), [], {})
        stream = Stream(RESOURCE.attributes)
        spans = stream.take(tape.unpack(tape.pack(batch)[tape.HEADER_SIZE :]))
        encoder = SpanEncoder(stream, Redaction(bytes(32)))
        by_scope = encoder.encode(spans, recorder.clock.offset)
        assert (encoder.broken, stream.skipped) == (0, 0)
        return encoder.enclosed({scope: [body] for scope, body in by_scope.items()}) if spans else b""

    return encode


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> int:
    """The SDK's clock and ours stand at the same nanosecond."""
    now = 1_700_000_000_123_456_789
    monkeypatch.setattr("opentelemetry.sdk.trace.time_ns", lambda: now)
    for module in ("spans", "roots"):
        monkeypatch.setattr(f"whisperwatch.bot.recording.{module}._now", lambda: now - recorder.clock.offset)
    return now
