"""The cargo: what was recorded and this watcher doesn't have yet, made into batches."""

from __future__ import annotations

from typing import Any, Final

from whisperwatch import tape
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.ship.logs import LogsOnBoard
from whisperwatch.bot.ship.waiting import Lost, Waiting

_PIECE: Final = 128
"""Spans, cells or definitions packed in one go: about 0.1 ms of the GIL."""
_LARGE_PIECE: Final = 512
"""Once thousands wait, the bot is busy anyway, and each piece costs the ship a wait for the GIL."""
_MANY: Final = 2048


class Cargo:
    """Definitions and cells of the recorder, as far as they are sent, and the spans and logs that wait.

    Attributes:
        waiting: the spans taken from the recorder.
        logs: the log records that are under way; others wait in the recorder.
        seq: the number of the newest batch of this connection.
    """

    def __init__(self, recorder: Recorder, limit_bytes: int, lost: Lost, lost_logs: Lost) -> None:
        self.waiting = Waiting(limit_bytes, lost)
        self.logs = LogsOnBoard(recorder.logs, limit_bytes, lost_logs)
        self.seq = 0
        self._recorder = recorder
        self._sent_definitions = 0
        self._cells: list[tuple[Any, ...]] = []

    def __bool__(self) -> bool:
        """Whether there is something to send."""
        return bool(len(self.waiting) or self.logs.any or self._cells or self._undefined)

    @property
    def size(self) -> int:
        """Bytes that wait or are under way."""
        return self.waiting.size + self.logs.size

    @property
    def unacknowledged(self) -> int:
        """Chunks that were sent, and that the watcher hasn't said to have."""
        return self.waiting.unacknowledged + self.logs.unacknowledged

    @property
    def mark(self) -> tuple[int, int]:
        """The newest chunks of spans and logs that are on board, for `has`."""
        return self.waiting.made, self.logs.made

    def has(self, mark: tuple[int, int]) -> bool:
        """Whether some of what was on board at this mark is not yet the watcher's."""
        return self.waiting.has(mark[0]) or self.logs.has(mark[1])

    @property
    def has_points(self) -> bool:
        """Whether cells that were taken, or definitions, are still to be sent."""
        return bool(self._cells) or self._undefined

    @property
    def ashore(self) -> bool:
        """Whether the watcher has every span and log record that was taken."""
        return not (self.unacknowledged or len(self.waiting) or self.logs.any)

    def acknowledged(self, seq: int, passed_spans: int, passed_logs: int) -> None:
        """See ACK of the tape."""
        self.waiting.acknowledged(seq, passed_spans)
        self.logs.acknowledged(seq, passed_logs)

    def clear(self, reason: str) -> None:
        """Nobody will ever take it."""
        self.waiting.clear(reason)
        self.logs.clear(reason)

    def take_spans(self, *, packed_only: bool = False) -> int:
        """Take what the recorder has packed, and a piece of the others; says how many those were."""
        most = 0 if packed_only else _LARGE_PIECE if self._recorder.waiting > _MANY else _PIECE
        packed, spans = self._recorder.take(most)
        for piece, count in packed:
            self.waiting.add_packed(piece, count)
        if spans:
            self.waiting.add(spans)
        return len(spans)

    def batch(self, beat: dict[str, Any] | None) -> tuple[Any, ...] | None:
        """The next BATCH, with a beat where one is due; None when there is nothing for it."""
        if beat is not None:
            self._cells += self._recorder.take_cells()
        start = self._sent_definitions
        definitions = self._recorder.definitions[start : start + _PIECE]
        self._sent_definitions += len(definitions)
        cells: list[tuple[Any, ...]] = []
        spans: bytes | None = None
        if not self._undefined:  # what they name is known to the watcher, or is in this batch
            cells, self._cells = self._cells[:_PIECE], self._cells[_PIECE:]
            spans = self.waiting.next(self.seq + 1)
        logs = self.logs.next(self.seq + 1)
        if beat is None and not definitions and not cells and spans is None and logs is None:
            return None
        self.seq += 1
        offset = self._recorder.clock.adjust()
        return (tape.BATCH, self.seq, offset, definitions, spans or [], cells, beat, logs or [])

    def begin(self) -> None:
        """A watcher has welcomed us: it knows no definition and no cell yet."""
        self._sent_definitions, self._cells, self.seq = 0, self._recorder.all_cells(), 0

    def after_fork(self, limit_bytes: int, lost: Lost, lost_logs: Lost) -> None:
        """In a forked child: what the parent has on board is the parent's."""
        self.waiting = Waiting(limit_bytes, lost)
        self.logs = LogsOnBoard(self._recorder.logs, limit_bytes, lost_logs)

    def disconnected(self, *, orderly: bool) -> None:
        """The watcher is gone, see `Waiting.disconnected`."""
        self.waiting.disconnected(orderly=orderly)
        self.logs.disconnected(orderly=orderly)
        self._cells = []

    @property
    def _undefined(self) -> bool:
        return self._sent_definitions < len(self._recorder.definitions)
