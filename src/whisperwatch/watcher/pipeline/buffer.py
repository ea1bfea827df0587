"""What waits for the collector: requests as they will be sent, oldest first, bounded by bytes.

All signals share the bound; over it the oldest request is dropped, whichever signal it is of, but never one that is
under way. There is no spool on disk yet: what waits when the watcher ends is lost, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, islice

from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.records import Records

_sequence = count()


@dataclass(slots=True, eq=False)
class Request:
    """An encoded request. `origins` says how many of its spans or logs came from which stream."""

    signal: Signal
    body: bytes
    records: int
    origins: tuple[tuple[Records, int], ...] = ()
    under_way: bool = False
    number: int = field(default_factory=lambda: next(_sequence))


class Buffer:
    """The requests that wait, by signal.

    Args:
        most_bytes: of all requests together.
        dropped: is told of each request that had to go.
        most_spans: `OTEL_BSP_MAX_QUEUE_SIZE`, where it is set.
    """

    def __init__(
        self, most_bytes: int, dropped: Callable[[Request], None], most_spans: int | None = None
    ) -> None:
        self._most_bytes = most_bytes
        self._most_spans = most_spans
        self._dropped = dropped
        self._queues: dict[Signal, deque[Request]] = {"spans": deque(), "metrics": deque(), "logs": deque()}
        self._bytes: dict[Signal, int] = {"spans": 0, "metrics": 0, "logs": 0}
        self._spans = 0

    def waiting_bytes(self, signal: Signal) -> int:
        """Bytes that wait, those under way included."""
        return self._bytes[signal]

    def first(self, signal: Signal) -> Request | None:
        """The oldest request of a signal."""
        queue = self._queues[signal]
        return queue[0] if queue else None

    def put(self, request: Request) -> None:
        """Keep a request; drop the oldest ones where there is no room."""
        self._queues[request.signal].append(request)
        self._account(request, 1)
        while sum(self._bytes.values()) > self._most_bytes and self._drop_oldest(*self._queues):
            pass
        while self._most_spans is not None and self._spans > self._most_spans and self._drop_oldest("spans"):
            pass

    def remove(self, request: Request) -> None:
        """The request is done with."""
        self._queues[request.signal].remove(request)
        self._account(request, -1)

    def clear(self) -> list[Request]:
        """Everything that waits, taken out."""
        left = [request for queue in self._queues.values() for request in queue]
        for request in left:
            self.remove(request)
        return left

    def _account(self, request: Request, sign: int) -> None:
        self._bytes[request.signal] += sign * len(request.body)
        if request.signal == "spans":
            self._spans += sign * request.records

    def _drop_oldest(self, *signals: Signal) -> bool:
        waiting = [request for signal in signals for request in self._droppable(signal)]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda request: request.number)
        self.remove(oldest)
        self._dropped(oldest)
        return True

    def _droppable(self, signal: Signal) -> list[Request]:
        queue = self._queues[signal]
        return [request for request in islice(queue, 2) if not request.under_way][:1] if queue else []
