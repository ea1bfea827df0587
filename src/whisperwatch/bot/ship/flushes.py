"""Who waits for what was recorded to be the watcher's. Any thread asks; the ship's answers.

A flush goes aboard with a turn of the ship that begins after it was asked: an older turn may have looked at the
recorder before that. Once a turn has carried all that was recorded before it began, `mark` says how far that is; when
the watcher has it up to there, the flush is answered, whatever was recorded meanwhile.
"""

from __future__ import annotations

import threading


class Flush:
    """One who waits."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._done = False

    def answer(self, done: bool) -> None:
        self._done = done
        self._answered.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether the watcher had everything in time."""
        return self._answered.wait(timeout_s) and self._done


class Flushes:
    """Flushes that wait. Between `board` and `done` new ones wait for a later turn.

    Attributes:
        mark: how far the watcher must have the cargo for those aboard, once that is known.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[Flush] = []
        self._aboard: list[Flush] = []
        self._closed = False
        self.mark: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._asked or self._aboard)

    def ask(self) -> Flush:
        """One more; answered with no at once where there is no ship any more."""
        flush = Flush()
        with self._lock:
            if self._closed:
                flush.answer(False)
            else:
                self._asked.append(flush)
        return flush

    def board(self) -> None:
        """A turn begins: it carries what those waited for who asked before."""
        with self._lock:
            if not self._aboard:
                self._aboard, self._asked = self._asked, []

    @property
    def aboard(self) -> bool:
        """Whether anybody is aboard."""
        return bool(self._aboard)

    def done(self) -> None:
        """The watcher has all that was recorded before the `board` of those aboard."""
        aboard, self._aboard, self.mark = self._aboard, [], None
        for flush in aboard:
            flush.answer(True)

    def close(self) -> None:
        """Nothing will be carried any more."""
        with self._lock:
            self._closed = True
            waiting = self._asked + self._aboard
            self._asked, self._aboard = [], []
        for flush in waiting:
            flush.answer(False)
