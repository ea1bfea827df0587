"""The way of a ship that a busy loop keeps from the GIL: the loop gives it for a moment, when the ship is overdue."""

from __future__ import annotations

import threading
from typing import Final

from whisperwatch.bot.recording.ended import NEVER, Ended

_LONGEST_S: Final = 0.001
"""For so long the loop lets the ship have the GIL, where its turn takes longer."""
_AGAIN_S: Final = 0.1
"""After so long once more, where nothing was heard of the ship: it may wait for something else than the GIL."""


class Way:
    """Between one ship's thread and the loop, which asks for it by `ended.give_way`."""

    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._given = threading.Lock()
        """Locked where the loop waits for the ship to rest; a collection of garbage may try to do so a second time."""
        self._ship: threading.Thread | None = None

    def open(self, ship: threading.Thread) -> None:
        """The ship sails: what ends may wait for it."""
        self._ship = ship
        self._ended.give_way = self.give
        self._ended.deferring = True

    def close(self) -> None:
        """It sails no more."""
        if self._ended.give_way == self.give:  # else another ship sails by now
            self._ended.deferring, self._ended.ship_due_ns = False, NEVER

    def give(self) -> None:
        """On the bot's loop: let the ship, which waits for the GIL, do its turn."""
        if threading.current_thread() is not self._ship and self._ended.deferring:
            self._ended.expect_ship(_AGAIN_S)
            self._given.acquire(blocking=False)
            self._given.acquire(timeout=_LONGEST_S)  # until the ship rests

    def rest(self, rest_s: float) -> None:
        """On the ship: its turn is over, and the next one in so many seconds."""
        self._ended.expect_ship(rest_s)
        if self._given.locked():
            self._given.release()

    def after_fork(self) -> None:
        self._given, self._ship = threading.Lock(), None
