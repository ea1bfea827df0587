"""Spans on their way into a request: encoded at once, then collected by stream and scope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records, Span

MOST_BYTES = 1_000_000
"""A request is closed when it is this long, however few its spans: collectors refuse those over 4 MiB."""


@dataclass(slots=True)
class _OfStream:
    encoder: SpanEncoder
    count: int = 0
    by_scope: dict[int, list[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FullBatch:
    """An ExportTraceServiceRequest, the number of its spans, and how many came from which stream."""

    body: bytes
    spans: int
    origins: tuple[tuple[Records, int], ...]


class SpanBatch:
    """Collects spans of all streams.

    Args:
        most_spans: of one request.
    """

    def __init__(self, redaction: Redaction, most_spans: int) -> None:
        self.spans = 0
        self._bytes = 0
        self._redaction = redaction
        self._most_spans = most_spans
        self._encoders: WeakKeyDictionary[Records, SpanEncoder] = WeakKeyDictionary()
        self._pending: dict[Records, _OfStream] = {}

    def add(self, stream: Records, spans: Sequence[Span], offset: int) -> Iterator[FullBatch | int]:
        """Encode spans. Yields each request that became full, and the number of spans that can't be encoded."""
        at = 0
        while at < len(spans):
            some = spans[at : at + self._most_spans - self.spans]
            at += len(some)
            if broken := self._encode(stream, some, offset):
                yield broken
            if self.spans >= self._most_spans or self._bytes >= MOST_BYTES:
                yield from self.close()

    def close(self) -> Iterator[FullBatch]:
        """The request so far, if there is anything in it."""
        if self.spans:
            body = b"".join([one.encoder.resource_spans(one.by_scope) for one in self._pending.values()])
            origins = tuple((stream, one.count) for stream, one in self._pending.items())
            full = FullBatch(body, self.spans, origins)
            self._pending, self.spans, self._bytes = {}, 0, 0
            yield full

    def _encode(self, stream: Records, spans: Sequence[Span], offset: int) -> int:
        encoder = self._encoders.get(stream)
        if encoder is None:
            encoder = self._encoders[stream] = SpanEncoder(stream, self._redaction)
        before = encoder.broken
        encoded = encoder.encode(spans, offset)
        broken = encoder.broken - before
        if encoded:
            pending = self._pending.get(stream)
            if pending is None:
                pending = self._pending[stream] = _OfStream(encoder)
            pending.count += len(spans) - broken
            self.spans += len(spans) - broken
            for scope, some in encoded.items():
                pending.by_scope.setdefault(scope, []).append(some)
                self._bytes += len(some)
        return broken
