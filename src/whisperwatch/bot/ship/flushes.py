"""Who waits for what was recorded to be the watcher's. Any thread asks; the ship's answers.

A flush is answered by a turn of the ship that began after it was asked: an older turn may have looked at the recorder
before that.
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
    """Flushes that wait. Between `board` and `done` new ones wait for the next turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[Flush] = []
        self._aboard: list[Flush] = []
        self._closed = False

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
            self._aboard += self._asked
            self._asked = []

    def done(self) -> None:
        """The watcher has all that was recorded before the last `board`."""
        aboard, self._aboard = self._aboard, []
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
