"""From the tape's records to the collector: spans and logs in batches, metrics at intervals, kept until taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from whisperwatch.watcher.pipeline import figures
from whisperwatch.watcher.pipeline.batch import Batch, FullBatch
from whisperwatch.watcher.pipeline.buffer import Buffer
from whisperwatch.watcher.pipeline.delivery import Backoff, Delivery, Pace
from whisperwatch.watcher.pipeline.figures import Figures
from whisperwatch.watcher.pipeline.intake import Intake
from whisperwatch.watcher.pipeline.kept import Kept
from whisperwatch.watcher.pipeline.log_file import LogFile
from whisperwatch.watcher.pipeline.metric_export import MetricExport
from whisperwatch.watcher.pipeline.otlp_logs import LogEncoder
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.spool import Spool
from whisperwatch.watcher.pipeline.state import State
from whisperwatch.watcher.pipeline.transport import Refused, Signal, Taken, UnusableTransportError
from whisperwatch.watcher.pipeline.transports import transport_of
from whisperwatch.watcher.records import LocalStream, Log, Records, Span
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings import Export, Target
from whisperwatch.watcher.settings.logs import Logs

_logger = logging.getLogger(__name__)


class LogTaker(Protocol):
    """Gets the logs beside whoever exports them."""

    def add_logs(self, stream: Records, logs: Sequence[Log], wall_offset_ns: int) -> None: ...


class Pipeline:
    """The way out by OTLP, for the signals that `export` has a target for.

    Args:
        export: `settings.export`.
        key: of the id hashes, `StateDirectory.key()`.
        streams: gives the streams whose metrics are exported.
        own: takes the pipeline's own figures; one of `streams`.
        backoff: makes the waits between tries, one for each signal.
        redactor: takes secrets out of all that leaves.
        logs: `settings.logs`.
        kept: the way into the embedded store; None where nothing is kept.
        siem: gets the logs too, for the security events among them.
        spool: the folder where what can't be delivered waits; None for none.
        pace: makes the pace at which that is sent later, one for each signal.

    Attributes:
        state: how the way out is.
    """

    def __init__(
        self,
        export: Export,
        key: bytes,
        streams: Callable[[], Iterable[Records]],
        own: LocalStream,
        backoff: Callable[[], Backoff] = Backoff,
        redactor: Redactor | None = None,
        logs: Logs | None = None,
        kept: Kept | None = None,
        siem: LogTaker | None = None,
        spool: Path | None = None,
        pace: Callable[[], Pace] = Pace,
    ) -> None:
        self._export = export
        self._streams = streams
        self._redaction = Redaction(key, export.expose_ids, redactor)
        self._kept = kept
        self._siem = siem
        self._backoff, self._pace = backoff, pace
        targets: dict[Signal, Target | None] = {
            "spans": export.traces,
            "metrics": export.metrics,
            "logs": export.logs,
        }
        self._targets = {signal: target for signal, target in targets.items() if target is not None}
        self._spool = None
        if spool is not None and export.spool and self._targets:
            self._spool = Spool(spool, export.spool_bytes, self._lost_on_disk)
        self._figures = Figures(own, tuple(self._targets), self._spool is not None)
        most: dict[Signal, int | None] = {"spans": export.span_queue, "logs": export.log_queue}
        self._buffer = Buffer(export.buffer_bytes, self._overflowed, most, self._spool, self._spooled)
        self._logs = logs or Logs()
        lost = partial(self._figures.dropped, "logs", figures.FILE)
        self._log_file = LogFile.of(self._logs, self._redaction, lost)
        self._intakes = {
            "spans": self._intake(
                "spans",
                self._span_encoder,
                min(export.span_batch, most["spans"] or export.span_batch),
                export.span_delay_s,
            ),
            "logs": self._intake(
                "logs",
                self._log_encoder,
                min(export.log_batch, most["logs"] or export.log_batch),
                export.log_delay_s,
            ),
        }
        self._metrics = MetricExport(
            self._redaction, export.temporality, export.metric_interval_s, self._refused
        )
        self._passed: WeakKeyDictionary[Records, Counter[Signal]] = WeakKeyDictionary()
        self._deliveries: dict[Signal, Delivery] = {}
        self.state = State(self._targets, self._deliveries, self._buffer, self._spool, self._figures)
        self._tasks: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()

    # what the watcher calls

    def pace(self, export: Export) -> None:
        """Take on how often `export` has metrics, spans and logs go; its other settings need a new pipeline."""
        self._intakes["spans"].delay_s = export.span_delay_s
        self._intakes["logs"].delay_s = export.log_delay_s
        self._metrics.pace(export.metric_interval_s)

    async def start(self) -> None:
        """Begin. A target that can't be used (no grpcio, an unreadable certificate) is logged and left out."""
        if self._spool is not None:
            self._spool.open()
            self._tasks.append(asyncio.create_task(self._spool.run(), name="spool"))
        for signal, target in list(self._targets.items()):
            try:
                transport = transport_of(self._export, signal, target)
            except (OSError, ssl.SSLError, UnusableTransportError) as error:
                _logger.error("%s are not exported: %s", signal, error)
                del self._targets[signal]
                continue
            clean = self._redaction.redactor.text
            delivery = Delivery(
                signal, transport, self._buffer, self._settle, self._backoff(), clean, self._pace()
            )
            delivery.behind = self._spool is not None and self._spool.waits(signal)
            self._deliveries[signal] = delivery
            self._tasks.append(asyncio.create_task(delivery.run(), name=f"export of {signal}"))
        if "metrics" in self._deliveries:
            self._tasks.append(
                asyncio.create_task(self._metrics.repeat(self.export_metrics), name="metric export")
            )

    def add_spans(self, stream: Records, spans: Sequence[Span], wall_offset_ns: int) -> None:
        """Take spans on; their times + `wall_offset_ns` are wall time. Never blocks. What the host's own provider
        exports is not exported again, but kept."""
        if self._kept is not None:
            self._kept.add_spans(stream, spans, wall_offset_ns)
        self._add("spans", stream, spans, wall_offset_ns)

    def add_logs(self, stream: Records, logs: Sequence[Log], wall_offset_ns: int) -> None:
        """As `add_spans`; the log file and the SIEM get them whoever exports them."""
        if self._kept is not None:
            self._kept.add_logs(stream, logs, wall_offset_ns)
        if self._log_file is not None:
            self._log_file.write(stream, logs, wall_offset_ns)
        if self._siem is not None:
            self._siem.add_logs(stream, logs, wall_offset_ns)
        self._add("logs", stream, logs, wall_offset_ns)

    def _add(self, signal: Signal, stream: Records, records: Sequence[Any], wall_offset_ns: int) -> None:
        if signal not in self._deliveries or signal in stream.hosted:
            self._pass(signal, stream, len(records))
        else:
            self._intakes[signal].add(stream, records, wall_offset_ns)

    def passed(self, stream: Records) -> tuple[int, int]:
        """How many of a stream's spans and logs are safe: exported, or dropped and counted."""
        passed = self._passed.get(stream) or Counter()
        return passed["spans"], passed["logs"]

    def export_metrics(self, streams: Iterable[Records] | None = None) -> None:
        """Export the newest values now, of these streams or of all: also when one has ended. Never blocks."""
        if "metrics" not in self._deliveries:
            return
        self._show_buffer()
        body, points = self._metrics.encoded(self._streams() if streams is None else streams)
        if points:
            self._deliveries["metrics"].put(body, points)
            self._show_buffer()

    def end(self, stream: Records) -> None:
        """A stream that ends: nothing more of it is asked for."""
        if self._kept is not None:
            self._kept.end(stream)

    async def flush(self, timeout_s: float) -> bool:
        """Send and keep everything, newest metrics included; what an outage has left on the disk is safe there. False
        if something still waits in memory after `timeout_s`."""
        if self._kept is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._kept.commit()
        for intake in self._intakes.values():
            intake.close()
        self.export_metrics()
        for delivery in self._deliveries.values():
            delivery.hurry()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.state.soon_sent_bytes:
                    self._settled.clear()
                    await self._settled.wait()
        return not self.state.memory_bytes

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Flush, then end. What still waits is on the disk for the next watcher; else it is lost, counted and said."""
        await self.flush(timeout_s)
        for intake in self._intakes.values():
            intake.cancel()
        if self._log_file is not None:
            self._log_file.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for signal in self._deliveries:
            self._buffer.spill(signal)
        if self._spool is not None:
            self._spool.close()
        left = self._buffer.clear()
        for request in left:
            self._lose(request, figures.SHUTDOWN)
        if left:
            _logger.warning(
                "%d requests that the collector has not taken are lost, for the watcher stops", len(left)
            )
        self._deliveries.clear()

    # within

    def _refused(self, points: int) -> None:
        self._figures.dropped("metrics", figures.ID_ATTRIBUTE, points)

    def _intake(self, signal: Signal, encoder: Callable[[Records], Any], most: int, delay_s: float) -> Intake:
        return Intake(
            Batch(encoder, most), delay_s, partial(self._put, signal), partial(self._broken, signal)
        )

    def _span_encoder(self, stream: Records) -> SpanEncoder:
        return SpanEncoder(stream, self._redaction)

    def _log_encoder(self, stream: Records) -> LogEncoder:
        return LogEncoder(stream, self._redaction, dict(self._logs.components))

    def _put(self, signal: Signal, full: FullBatch) -> None:
        self._deliveries[signal].put(full.body, full.records, full.origins)
        self._show_buffer()

    def _broken(self, signal: Signal, stream: Records, records: int) -> None:
        self._figures.dropped(signal, figures.UNENCODABLE, records)
        self._pass(signal, stream, records)

    def _settle(self, request: Request, outcome: Taken | Refused) -> None:
        if isinstance(outcome, Refused):
            self._lose(request, outcome.reason)
        else:
            rejected = min(outcome.rejected, request.records)
            self._figures.exported(request.signal, request.records - rejected)
            self._figures.dropped(request.signal, figures.REJECTED, rejected)
            self._pass_all(request)
        self._show_buffer()
        self._settled.set()

    def _spooled(self, request: Request) -> None:
        self._pass_all(request)
        request.origins = ()
        self._show_buffer()
        self._settled.set()

    def _lost_on_disk(self, signal: Signal, reason: str, records: int) -> None:
        self._figures.dropped(signal, reason, records)

    def _overflowed(self, request: Request) -> None:
        self._lose(request, figures.BUFFER_FULL)

    def _lose(self, request: Request, reason: str) -> None:
        self._figures.dropped(request.signal, reason, request.records)
        self._pass_all(request)

    def _pass_all(self, request: Request) -> None:
        for stream, records in request.origins:
            self._pass(request.signal, stream, records)

    def _pass(self, signal: Signal, stream: Records, records: int) -> None:
        self._passed.setdefault(stream, Counter())[signal] += records

    def _show_buffer(self) -> None:
        for signal in self._targets:
            self._figures.buffered(signal, self._buffer.memory_bytes(signal))
            if self._spool is not None:
                self._figures.spooled(signal, self._spool.waiting_bytes(signal))
