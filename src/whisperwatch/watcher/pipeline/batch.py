"""Spans or logs on their way into a request: encoded at once, then collected by stream and scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from whisperwatch.watcher.records import Records

MOST_BYTES = 1_000_000
"""A request is closed when it is this long, however few its records: collectors refuse those over 4 MiB."""


class Encoder(Protocol):
    """Of one stream's records of one signal. `broken` counts those that could not be encoded."""

    broken: int

    def encode(self, records: Iterable[Any], offset: int) -> Mapping[Any, bytes]: ...
    def enclosed(self, by_scope: Mapping[Any, list[bytes]]) -> bytes: ...


@dataclass(slots=True)
class _OfStream:
    encoder: Encoder
    count: int = 0
    by_scope: dict[Any, list[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FullBatch:
    """An Export…ServiceRequest, the number of its records, and how many came from which stream."""

    body: bytes
    records: int
    origins: tuple[tuple[Records, int], ...]


class Batch:
    """Collects records of all streams.

    Args:
        encoder: makes the encoder of a stream.
        most: records of one request.
    """

    def __init__(self, encoder: Callable[[Records], Encoder], most: int) -> None:
        self.records = 0
        self._bytes = 0
        self._encoder = encoder
        self._most = most
        self._encoders: WeakKeyDictionary[Records, Encoder] = WeakKeyDictionary()
        self._pending: dict[Records, _OfStream] = {}

    def add(self, stream: Records, records: Sequence[Any], offset: int) -> Iterator[FullBatch | int]:
        """Encode records. Yields each request that became full, and the number of those that can't be encoded."""
        at = 0
        while at < len(records):
            some = records[at : at + self._most - self.records]
            at += len(some)
            if broken := self._encode(stream, some, offset):
                yield broken
            if self.records >= self._most or self._bytes >= MOST_BYTES:
                yield from self.close()

    def close(self) -> Iterator[FullBatch]:
        """The request so far, if there is anything in it."""
        if self.records:
            body = b"".join([one.encoder.enclosed(one.by_scope) for one in self._pending.values()])
            origins = tuple((stream, one.count) for stream, one in self._pending.items())
            full = FullBatch(body, self.records, origins)
            self._pending, self.records, self._bytes = {}, 0, 0
            yield full

    def _encode(self, stream: Records, records: Sequence[Any], offset: int) -> int:
        encoder = self._encoders.get(stream)
        if encoder is None:
            encoder = self._encoders[stream] = self._encoder(stream)
        before = encoder.broken
        encoded = encoder.encode(records, offset)
        broken = encoder.broken - before
        if encoded:
            pending = self._pending.get(stream)
            if pending is None:
                pending = self._pending[stream] = _OfStream(encoder)
            pending.count += len(records) - broken
            self.records += len(records) - broken
            for scope, some in encoded.items():
                pending.by_scope.setdefault(scope, []).append(some)
                self._bytes += len(some)
        return broken
