"""The spans, or the logs, that wait: for the watcher to take them, bounded in bytes, and until it says that it has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whisperwatch import tape

Lost = Callable[[str, int], None]
"""Told why records were lost, and how many."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records as they are sent. Packed once: as bytes they are a tenth of the objects, and cost the GC nothing."""

    packed: bytes
    count: int
    number: int
    """Of all chunks of these records, from 1."""


class Waiting:
    """Chunks in the order of their making: first those that were sent and not acknowledged, then those still to send.

    Over `limit_bytes` the oldest that were not sent are dropped; what was sent is in the kernel's hands.
    """

    def __init__(self, limit_bytes: int, lost: Lost) -> None:
        self.size = 0
        """Bytes, sent ones included."""
        self.limit_bytes = limit_bytes
        self._lost = lost
        self._to_send: deque[Chunk] = deque()
        self._sent: deque[tuple[int, Chunk]] = deque()
        self.made = 0
        """Chunks that there ever were, and the number of the newest."""
        self._taken = 0
        self._passed = 0

    def __len__(self) -> int:
        """Chunks still to send."""
        return len(self._to_send)

    @property
    def unacknowledged(self) -> int:
        """Chunks that were sent, and that the watcher hasn't said to have."""
        return len(self._sent)

    def has(self, number: int) -> bool:
        """Whether a chunk up to this number waits or is under way."""
        oldest = self._sent[0][1] if self._sent else self._to_send[0] if self._to_send else None
        return oldest is not None and oldest.number <= number

    def add(self, records: list[tuple[Any, ...]]) -> None:
        """Put records behind the others."""
        self.add_packed(tape.pack_records(records), len(records))

    def add_packed(self, packed: bytes, count: int) -> None:
        """As `add`, of so many records that are packed already."""
        self.made += 1
        self._to_send.append(Chunk(packed, count, self.made))
        self.size += len(packed)
        while self.size > self.limit_bytes and self._to_send:
            dropped = self._to_send.popleft()
            self.size -= len(dropped.packed)
            self._lost("tape_full", dropped.count)

    def next(self, seq: int) -> bytes | None:
        """The oldest chunk to send, which goes with batch `seq`; None when there is none."""
        if not self._to_send:
            return None
        chunk = self._to_send.popleft()
        self._sent.append((seq, chunk))
        return chunk.packed

    def acknowledged(self, seq: int, passed: int) -> None:
        """The watcher has the batches up to `seq`, and `passed` of this connection are safe beyond it."""
        while self._sent and self._sent[0][0] <= seq:
            _, chunk = self._sent.popleft()
            self.size -= len(chunk.packed)
            self._taken += chunk.count
        self._passed = passed

    def disconnected(self, *, orderly: bool = False) -> None:
        """The watcher is gone: what it didn't acknowledge waits again, what died with it is lost.

        `orderly`: it said farewell, so what it had is safe.
        """
        while self._sent:
            self._to_send.appendleft(self._sent.pop()[1])
        died = self._taken - self._passed
        if died > 0 and not orderly:
            self._lost("watcher_died", died)
        self._taken = self._passed = 0

    def clear(self, reason: str) -> None:
        """Nobody will ever take them."""
        self.disconnected()
        dropped = sum(chunk.count for chunk in self._to_send)
        self._to_send.clear()
        self.size = 0
        if dropped:
            self._lost(reason, dropped)
