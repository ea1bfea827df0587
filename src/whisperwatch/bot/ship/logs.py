"""The way of the log records: they wait in the recorder, where the least severe go first, until they can be sent."""

from __future__ import annotations

from whisperwatch.bot.recording.logs import Logs
from whisperwatch.bot.ship.waiting import Lost, Waiting

_PIECE = 128
"""Records packed in one go."""


class LogsOnBoard:
    """Log records that are under way: taken when the link can send, kept as bytes until the watcher has them."""

    def __init__(self, logs: Logs, limit_bytes: int, lost: Lost) -> None:
        self._logs = logs
        self._waiting = Waiting(limit_bytes, lost)
        self.acknowledged = self._waiting.acknowledged
        self.disconnected = self._waiting.disconnected
        self.has = self._waiting.has

    @property
    def any(self) -> bool:
        """Whether something is to be sent."""
        return bool(len(self._logs) or len(self._waiting))

    @property
    def size(self) -> int:
        """Bytes that are under way."""
        return self._waiting.size

    @property
    def unacknowledged(self) -> int:
        return self._waiting.unacknowledged

    @property
    def made(self) -> int:
        """See `Waiting`."""
        return self._waiting.made

    def next(self, seq: int) -> bytes | None:
        """What goes with batch `seq`; None when there is nothing."""
        if not len(self._waiting) and (taken := self._logs.take(_PIECE)):
            self._waiting.add(taken)
        return self._waiting.next(seq)

    def clear(self, reason: str) -> None:
        """Nobody will ever take them."""
        self._waiting.clear(reason)
        self._logs.clear(reason)
