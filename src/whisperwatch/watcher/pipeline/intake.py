"""Records of one signal on their way to its delivery: batched, and sent on when a batch is full or old enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from whisperwatch.watcher.pipeline.batch import Batch, FullBatch
from whisperwatch.watcher.records import Records


class Intake:
    """Takes records of all streams.

    Args:
        delay_s: how long a record may wait for its batch to fill.
        put: takes each request.
        broken: told of records that can't be encoded.
    """

    def __init__(
        self,
        batch: Batch,
        delay_s: float,
        put: Callable[[FullBatch], None],
        broken: Callable[[Records, int], None],
    ) -> None:
        self.delay_s = delay_s
        self._batch, self._put, self._broken = batch, put, broken
        self._closing: asyncio.TimerHandle | None = None

    def add(self, stream: Records, records: Sequence[Any], wall_offset_ns: int) -> None:
        """Take records on. Never blocks."""
        for made in self._batch.add(stream, records, wall_offset_ns):
            if isinstance(made, FullBatch):
                self._put(made)
            else:
                self._broken(stream, made)
        if self._batch.records and self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(self.delay_s, self.close)

    def close(self) -> None:
        """Send on what there is."""
        self.cancel()
        for full in self._batch.close():
            self._put(full)

    def cancel(self) -> None:
        """Wait no longer for more."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
