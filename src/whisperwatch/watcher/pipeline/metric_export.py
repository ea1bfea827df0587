"""The newest values of all streams, encoded for the collector, at intervals."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder, Temporality
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records

_logger = logging.getLogger(__name__)


class MetricExport:
    """Encodes, and says when.

    Args:
        redaction: takes ids and secrets out.
        temporality: of sums and histograms.
        interval_s: seconds from one export to the next.
        refused: told of how many points were left out, for an id is among their attributes.
    """

    def __init__(
        self,
        redaction: Redaction,
        temporality: Temporality,
        interval_s: float,
        refused: Callable[[int], None],
    ) -> None:
        self._redaction, self._temporality, self._tell_refused = redaction, temporality, refused
        self._interval_s, self._paced = interval_s, asyncio.Event()
        self._encoders: WeakKeyDictionary[Records, MetricEncoder] = WeakKeyDictionary()
        self._refused: WeakKeyDictionary[Records, int] = WeakKeyDictionary()
        self._at = 0

    def encoded(self, streams: Iterable[Records]) -> tuple[bytes, int]:
        """A request of the newest values of those that nobody else exports, and how many points it has."""
        now, parts, points = time.time_ns(), [], 0
        for stream in streams:
            if "metrics" in stream.hosted:
                continue
            encoder = self._encoders.get(stream)
            if encoder is None:
                encoder = MetricEncoder(stream, self._redaction, self._temporality, self._at)
                self._encoders[stream] = encoder
            self._count_refused(stream)
            body, count = encoder.encode(now)
            parts.append(body)
            points += count
        self._at = now
        return b"".join(parts), points

    def pace(self, interval_s: float) -> None:
        """From now on so often; a new interval begins now."""
        if interval_s != self._interval_s:
            self._interval_s = interval_s
            self._paced.set()

    async def repeat(self, export: Callable[[], None]) -> None:
        """Call it at each interval. One that fails is logged."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._interval_s, loop.time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._paced.wait()
                    self._paced.clear()
                    due = loop.time()  # the new interval begins now
                    continue
            try:
                export()
            except Exception:
                _logger.exception("an export of metrics failed; the next one is tried")

    def _count_refused(self, stream: Records) -> None:
        if refused := stream.refused_cells - self._refused.get(stream, 0):
            self._refused[stream] = stream.refused_cells
            self._tell_refused(refused)
