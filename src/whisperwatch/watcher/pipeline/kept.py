"""The way into the embedded store: what every signal takes on of the streams, and the store that writes it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from whisperwatch.watcher.pipeline import figures
from whisperwatch.watcher.pipeline.figures import Figures
from whisperwatch.watcher.pipeline.kept_logs import KeptLogs
from whisperwatch.watcher.pipeline.kept_metrics import KeptMetrics
from whisperwatch.watcher.pipeline.kept_spans import KeptSpans
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.records import LocalStream, Log, Records, Span
from whisperwatch.watcher.settings import Settings
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.metrics import Keep, Metrics
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.store.traces import KeepTraces, Traces

_log = logging.getLogger(__name__)
_SIGNALS: Final = ("spans", "logs")


class Kept:
    """Gives what the pipeline gets to `store`.

    Args:
        path: the store's file.
        settings: those in force; asked anew each time.
        streams: those that live.
        own: takes the store's figures.
    """

    def __init__(
        self,
        path: Path,
        settings: Callable[[], Settings],
        streams: Callable[[], Sequence[Records]],
        own: LocalStream,
        redaction: Redaction,
    ) -> None:
        self._told = Figures(own, ())
        lost = {signal: partial(self._told.dropped, signal, figures.STORE) for signal in _SIGNALS}
        for lose in lost.values():
            lose(0)
        self._log_rows = KeptLogs(redaction, dict(settings().logs.components))
        self._span_parts = KeptSpans(redaction)
        self._metrics = KeptMetrics(streams)
        self._logs = Logs(
            lambda: settings().keeping.logs_s, lost["logs"], errors_s=lambda: settings().keeping.errors_s
        )
        self._traces = Traces(lambda: _traces(settings()), lost["spans"])
        self.store = Store(
            path,
            (Metrics(self._metrics, lambda: _metrics(settings())), self._logs, self._traces),
            lambda: settings().keeping.size_bytes,
            own,
        )

    def add_spans(self, stream: Records, spans: Sequence[Span], wall_offset_ns: int) -> None:
        """Take spans on; their times + `wall_offset_ns` are wall time."""
        parts = self._span_parts
        with self._counted("spans", parts):
            self._safely(lambda: self._traces.add(parts.parts(stream, spans, wall_offset_ns)))

    def add_logs(self, stream: Records, logs: Sequence[Log], wall_offset_ns: int) -> None:
        """As `add_spans`."""
        rows = self._log_rows
        with self._counted("logs", rows):
            self._safely(lambda: self._logs.add(rows.rows(stream, logs, wall_offset_ns)))

    def end(self, stream: Records) -> None:
        """The stream will not be among the living any more."""
        self._safely(lambda: self._metrics.end(stream))

    async def commit(self) -> None:
        """Have on the disk what came so far."""
        await self.store.write()

    @contextmanager
    def _counted(self, signal: Signal, made: KeptLogs | KeptSpans) -> Iterator[None]:
        """What can't be kept shows beside what can't be exported."""
        before = made.broken
        yield
        if broken := made.broken - before:
            self._told.dropped(signal, figures.UNENCODABLE, broken)

    def _safely(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception:
            _log.exception("something could not be handed to the store; the export goes on")


def _metrics(settings: Settings) -> Keep:
    keeping = settings.keeping
    return Keep(keeping.raw_s, keeping.fine_s, keeping.metrics_s)


def _traces(settings: Settings) -> KeepTraces:
    return KeepTraces(settings.keeping.traces_s, settings.keeping.errors_s)
