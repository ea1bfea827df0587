"""What can't be delivered waits on the disk: in order, up to a size, over restarts of the bot and of the watcher.

A folder of the state directory, whose lock keeps other watchers out. Each signal has a file of its own; all of them
are closed, and new ones begun, whenever a 32nd of the room was written. So there are few files, and where the room is
used up the oldest that goes is a small part of it. What is written is the kernel's at once, which a kill can't take
back, and on the disk itself a second later (`run`), which a power cut can't.

A disk that can't be written is said once and tried again; what comes then is for memory (`put` says so).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, get_args

from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.segment import DamagedError, Segment, packed
from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.store.worker import Worker

_logger = logging.getLogger(__name__)
FULL: Final = "spool_full"
DAMAGED: Final = "spool_damaged"
_PARTS: Final = 32
_AGAIN_S: Final = 5.0
_SYNC_S: Final = 1.0

Lost = Callable[[Signal, str, int], None]
"""Told of records that are lost: their signal, why, and how many."""


class Spool:
    """The requests on the disk.

    Args:
        directory: where; made when it is needed.
        most_bytes: what all files may take together.

    Attributes:
        problem: why the disk can't be written, a sentence; None while it can, as far as is known.
    """

    def __init__(
        self, directory: Path, most_bytes: int, lost: Lost, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.problem: str | None = None
        self._directory, self._most_bytes, self._lost, self._now = directory, most_bytes, lost, now
        self._segments: dict[Signal, deque[Segment]] = {signal: deque() for signal in get_args(Signal)}
        self._first: dict[Signal, Request] = {}
        """The oldest of a signal, as it was read."""
        self._generation = 0
        self._written = 0
        """Bytes of this generation."""
        self._again = 0.0
        self._unsynced = asyncio.Event()

    def open(self) -> None:
        """Find what earlier watchers left, and see that the disk can be written."""
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            paths = sorted(self._directory.iterdir())
        except OSError as error:
            self._fail(error)
            return
        for path in paths:
            self._find(path)
        self._make_room(0)
        if not os.access(self._directory, os.W_OK):
            self._fail(PermissionError(13, os.strerror(13)))
        if records := {signal: n for signal in self._segments if (n := self.records(signal))}:
            told = " and ".join(f"{n} {signal}" for signal, n in records.items())
            _logger.info("%s wait from an earlier run", told)

    def waits(self, signal: Signal) -> bool:
        """Whether there is anything of a signal."""
        return bool(self._segments[signal])

    def records(self, signal: Signal) -> int:
        """How many records of a signal wait."""
        return sum(segment.records for segment in self._segments[signal])

    def waiting_bytes(self, signal: Signal) -> int:
        """Bytes of a signal that wait, as they are on the disk."""
        return sum(segment.size - segment.position for segment in self._segments[signal])

    def put(self, request: Request) -> bool:
        """Keep a request behind the others. False where the disk doesn't take it. One that is under way has to be the
        first of its signal."""
        if self._now() < self._again:
            return False
        frame = packed(request.body, request.records)
        if len(frame) > self._most_bytes:
            return False
        self._make_room(len(frame))
        try:
            self._append(request.signal, frame, request.records)
        except OSError as error:
            self._fail(error)
            return False
        request.spooled = True
        if request.under_way:
            self._first[request.signal] = request
        self._works()
        self._unsynced.set()
        return True

    def first(self, signal: Signal) -> Request | None:
        """The oldest of a signal."""
        request = self._first.get(signal)
        segments = self._segments[signal]
        while request is None and segments:
            request = self._read(segments[0])
        if request is not None:
            self._first[signal] = request
        return request

    def done(self, request: Request) -> None:
        """The oldest of its signal is done with."""
        self._first.pop(request.signal, None)
        self._skip(self._segments[request.signal][0])

    def close(self) -> None:
        """Leave all to the next watcher."""
        for segment in self._all():
            segment.close()
        for segments in self._segments.values():
            segments.clear()
        self._first.clear()

    async def run(self) -> None:
        """Have the disk itself hold what was written, until cancelled."""
        worker = Worker("spool")
        try:
            while True:
                await self._unsynced.wait()
                self._unsynced.clear()
                written = [os.dup(d) for segment in self._all() if (d := segment.descriptor) is not None]
                await worker.do(partial(_sync, written))
                await asyncio.sleep(_SYNC_S)
        finally:
            worker.stop()

    # within

    def _find(self, path: Path) -> None:
        number = path.name.partition(".")[0]
        if number.isdecimal():
            self._generation = max(self._generation, int(number) + 1)
        try:
            segment = Segment.find(path)
        except (DamagedError, OSError) as error:
            _logger.warning("%s can't be read, and is left out: %s", path, error)
            return
        if segment.waits:
            self._segments[segment.signal].append(segment)
        else:
            segment.remove()

    def _append(self, signal: Signal, frame: bytes, records: int) -> None:
        if self._written + len(frame) > self._most_bytes // _PARTS:
            self._next_generation()
        segments = self._segments[signal]
        try:
            if not segments or segments[-1].descriptor is None:
                self._directory.mkdir(mode=0o700, exist_ok=True)
                segments.append(Segment.make(self._directory, signal, self._generation))
            segments[-1].append(frame, records)
        except OSError:
            self._next_generation()
            if segments and not segments[-1].waits:
                segments.pop().remove()
            raise
        self._written += len(frame)

    def _next_generation(self) -> None:
        for segment in self._all():
            segment.close()
        self._generation += 1
        self._written = 0

    def _read(self, segment: Segment) -> Request | None:
        try:
            body, records = segment.first()
        except DamagedError as error:
            before = segment.records
            self._skip(segment)
            self._tell_damaged(segment, before - segment.records, error)
        except OSError as error:
            self._drop(segment)
            self._tell_damaged(segment, segment.records, error)
        else:
            return Request(segment.signal, body, records, spooled=True)
        return None

    def _skip(self, segment: Segment) -> None:
        """Go on behind the first request of the oldest segment."""
        try:
            segment.done()
        except (DamagedError, OSError) as error:
            self._drop(segment)
            self._tell_damaged(segment, segment.records, error)
            return
        if not segment.waits:
            self._drop(segment)

    def _tell_damaged(self, segment: Segment, records: int, error: Exception) -> None:
        if records:
            _logger.warning("%d %s are lost in %s: %s", records, segment.signal, segment.path, error)
            self._lost(segment.signal, DAMAGED, records)

    def _make_room(self, size: int) -> None:
        while sum(segment.size for segment in self._all()) + size > self._most_bytes:
            oldest = min(self._droppable(), key=lambda segment: segment.generation, default=None)
            if oldest is None:
                return
            if oldest is self._segments[oldest.signal][0]:
                self._first.pop(oldest.signal, None)
            self._drop(oldest)
            self._lost(oldest.signal, FULL, oldest.records)

    def _droppable(self) -> Iterator[Segment]:
        for signal, segments in self._segments.items():
            first = self._first.get(signal)
            held = 1 if first is not None and first.under_way else 0
            yield from list(segments)[held : held + 1]

    def _drop(self, segment: Segment) -> None:
        self._segments[segment.signal].remove(segment)
        segment.remove()

    def _all(self) -> Iterator[Segment]:
        for segments in self._segments.values():
            yield from segments

    def _fail(self, error: OSError) -> None:
        self._again = self._now() + _AGAIN_S
        if self.problem is None:
            self.problem = f"The spool {self._directory} can't be written ({error.strerror or error})"
            _logger.error("%s: what waits for the collector is kept in memory only", self.problem)

    def _works(self) -> None:
        if self.problem is not None:
            self.problem, self._again = None, 0.0
            _logger.warning("the spool %s is written again", self._directory)


def _sync(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        with suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)
