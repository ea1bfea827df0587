"""The watcher's own log: warnings and worse, where people look, which is the bot's log, else the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

Note = Callable[[int, str], bool]
"""Has a bot log a text at a level; False when no bot is there."""


class Notes(logging.Handler):
    """Gives records of the watcher's process to `note`; to stderr, marked as ours, while no bot is connected.

    `clean` takes out what may not be shown: exceptions and collectors quote what they were given.
    """

    def __init__(
        self, note: Note, loop: asyncio.AbstractEventLoop, clean: Callable[[str], str] = str
    ) -> None:
        super().__init__(logging.WARNING)
        self._note, self._loop, self._clean = note, loop, clean

    @contextlib.contextmanager
    def instead_of(self, *loggers: str) -> Iterator[None]:
        """Take the records of these loggers, so that nobody else gets them as they are."""
        for name in loggers:
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).propagate = False
        try:
            yield
        finally:
            for name in loggers:
                logging.getLogger(name).removeHandler(self)
                logging.getLogger(name).propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        text = self._clean(self.format(record))
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._say, record.levelno, text)

    def _say(self, level: int, text: str) -> None:
        if not self._note(level, text) and sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                print(f"whisperwatch: {text}", file=sys.stderr, flush=True)
