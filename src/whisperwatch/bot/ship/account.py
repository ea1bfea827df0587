"""The ship's own figures: what waits, what was lost, and how often a watcher had to be started again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from whisperwatch import semconv
from whisperwatch.bot.recording.cells import Value
from whisperwatch.bot.recording.recorder import Recorder


class Account:
    """Counts on the recorder.

    Args:
        size: bytes of the tape that wait.

    Attributes:
        lost_spans: spans that were recorded and will never be exported.
    """

    def __init__(self, recorder: Recorder, size: Callable[[], int]) -> None:
        self.lost_spans = 0
        self._recorder, self._size_now = recorder, size

    def open(self) -> None:
        """Begin, with what is nought yet at nought."""
        self._restarts = self._recorder.instrument(semconv.SELF_WATCHER_RESTARTS).find(None)
        self._size = self._recorder.instrument(semconv.SELF_TAPE).find(None)
        for reason in ("tape_full", "watcher_died"):
            self._recorder.count_dropped("spans", reason, 0)
        for reason in ("queue_full", "watcher_died"):
            self._recorder.count_dropped("logs", reason, 0)
        self.close()  # a forked child has its parent's
        self._recorder.collectors.append(self._measure)

    def close(self) -> None:
        """The ship is no more: nobody reads its size."""
        with contextlib.suppress(ValueError):
            self._recorder.collectors.remove(self._measure)

    def restarted(self) -> None:
        """A watcher had to be started again."""
        assert isinstance(self._restarts, Value)
        self._restarts.add(1)

    def lost(self, reason: str, spans: int) -> None:
        """Spans will never arrive."""
        self.lost_spans += spans
        self._recorder.count_dropped("spans", reason, spans)

    def lost_logs(self, reason: str, logs: int) -> None:
        """Log records will never arrive."""
        self._recorder.count_dropped("logs", reason, logs)

    def _measure(self) -> None:
        assert isinstance(self._size, Value)
        self._size.set(self._size_now())
