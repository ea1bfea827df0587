"""What the pipeline says of itself: what it sent, lost and holds, as metrics of a `LocalStream`."""

from __future__ import annotations

from typing import Final

from whisperwatch.semconv import REASON, SELF_BUFFER, SELF_EXPORT_DROPPED, SELF_EXPORTED, SELF_SPOOL, SIGNAL
from whisperwatch.watcher.pipeline import spool
from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.records import LocalStream

BUFFER_FULL: Final = "buffer_full"
FILE: Final = "file"
"""`LOG_FILE` could not be written."""
ID_ATTRIBUTE: Final = "id_attribute"
REJECTED: Final = "rejected"
SHUTDOWN: Final = "shutdown"
STORE: Final = "store"
"""The embedded store could not be written for longer than there is room for what waits."""
UNENCODABLE: Final = "unencodable"


class Figures:
    """Counts into `stream`. Every signal begins at 0, so that no first loss is lost itself.

    Args:
        spools: there is a spool, whose figures begin at 0 too.
    """

    def __init__(self, stream: LocalStream, signals: tuple[Signal, ...], spools: bool = False) -> None:
        self._stream = stream
        self.dropped_records = 0
        for signal in signals:
            self.exported(signal, 0)
            self.buffered(signal, 0)
            for reason in (BUFFER_FULL, REJECTED, SHUTDOWN, UNENCODABLE, *((spool.FULL,) if spools else ())):
                self.dropped(signal, reason, 0)
            if spools:
                self.spooled(signal, 0)

    def exported(self, signal: Signal, records: int) -> None:
        """The collector has taken records."""
        self._stream.add(SELF_EXPORTED, records, {SIGNAL: signal})

    def dropped(self, signal: Signal, reason: str, records: int) -> None:
        """Records are lost."""
        self.dropped_records += records
        self._stream.add(SELF_EXPORT_DROPPED, records, {SIGNAL: signal, REASON: reason})

    def buffered(self, signal: Signal, size: int) -> None:
        """Bytes that wait in memory."""
        self._stream.set(SELF_BUFFER, size, {SIGNAL: signal})

    def spooled(self, signal: Signal, size: int) -> None:
        """Bytes that wait on the disk."""
        self._stream.set(SELF_SPOOL, size, {SIGNAL: signal})
