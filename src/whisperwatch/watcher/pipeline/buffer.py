"""What waits for the collector: requests as they will be sent, oldest first.

A few wait in memory. Once a try has failed, or more wait than that, those of the signal go to the spool on the disk,
and new ones behind them, until all of them are delivered. Where there is no spool, or its disk can't be written, memory
keeps them, bounded by bytes. All signals share that bound; over it the oldest request is dropped, whichever signal it
is of, but never one that is under way.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.spool import Spool
from whisperwatch.watcher.pipeline.transport import Signal

_AT_HAND: Final = 1_000_000
"""Bytes of a signal that may wait in memory for an ordinary turn, where there is a spool."""


class Buffer:
    """The requests that wait, by signal.

    Args:
        most_bytes: of all requests in memory together.
        dropped: is told of each request that had to go.
        most: of a signal's records in memory: `OTEL_BSP_MAX_QUEUE_SIZE` and `OTEL_BLRP_MAX_QUEUE_SIZE`, where they
            are set.
        spool: the disk; None for none.
        spooled: is told of each request that is on the disk now, and so is safe.
    """

    def __init__(
        self,
        most_bytes: int,
        dropped: Callable[[Request], None],
        most: Mapping[Signal, int | None] | None = None,
        spool: Spool | None = None,
        spooled: Callable[[Request], None] = lambda _: None,
    ) -> None:
        self._most_bytes = most_bytes
        self._most = {signal: bound for signal, bound in (most or {}).items() if bound is not None}
        self._dropped = dropped
        self._spool = spool
        self._spooled = spooled
        self._queues: dict[Signal, deque[Request]] = {"spans": deque(), "metrics": deque(), "logs": deque()}
        self._bytes: dict[Signal, int] = {"spans": 0, "metrics": 0, "logs": 0}
        self._records: Counter[Signal] = Counter()

    def memory_bytes(self, signal: Signal) -> int:
        """Bytes that wait in memory, those under way included."""
        return self._bytes[signal]

    def first(self, signal: Signal) -> Request | None:
        """The oldest request of a signal."""
        spooled = self._spool.first(signal) if self._spool is not None else None
        queue = self._queues[signal]
        return spooled or (queue[0] if queue else None)

    def put(self, request: Request) -> None:
        """Keep a request; drop the oldest ones where there is no room."""
        signal = request.signal
        self._queues[signal].append(request)
        self._account(request, 1)
        if self._spool is not None and (self._spool.waits(signal) or self._bytes[signal] > _AT_HAND):
            self.spill(signal)
        while sum(self._bytes.values()) > self._most_bytes and self._drop_oldest(*self._queues):
            pass
        bound = self._most.get(signal)
        while bound is not None and self._records[signal] > bound and self._drop_oldest(signal):
            pass

    def spill(self, signal: Signal) -> None:
        """Have the disk keep what waits of a signal, as far as it takes it."""
        queue = self._queues[signal]
        while self._spool is not None and queue and self._spool.put(queue[0]):
            request = queue.popleft()
            self._account(request, -1)
            self._spooled(request)

    def remove(self, request: Request) -> None:
        """The oldest request of its signal is done with."""
        if request.spooled and self._spool is not None:
            self._spool.done(request)
        else:
            self._forget(request)

    def clear(self) -> list[Request]:
        """Everything that waits in memory, taken out."""
        left = [request for queue in self._queues.values() for request in queue]
        for request in left:
            self._forget(request)
        return left

    def _forget(self, request: Request) -> None:
        self._queues[request.signal].remove(request)
        self._account(request, -1)

    def _account(self, request: Request, sign: int) -> None:
        self._bytes[request.signal] += sign * len(request.body)
        self._records[request.signal] += sign * request.records

    def _drop_oldest(self, *signals: Signal) -> bool:
        waiting = [request for signal in signals for request in self._droppable(signal)]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda request: request.number)
        self._forget(oldest)
        self._dropped(oldest)
        return True

    def _droppable(self, signal: Signal) -> list[Request]:
        queue = self._queues[signal]
        return [request for request in islice(queue, 2) if not request.under_way][:1] if queue else []
