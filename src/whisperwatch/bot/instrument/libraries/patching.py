"""Patches of one library: as `patches`, and they stand aside where somebody has wrapped them meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from whisperwatch.bot.instrument.patches import Patch, replacement

logger = logging.getLogger("whisperwatch")


class LibraryPatches:
    """Put in place together, and taken back together.

    What others have put over ours can't be taken out from under them: it stays, and `on` tells our function, which has
    to ask, that it is to do nothing.

    Args:
        subject: the library, as the log names it.
    """

    def __init__(self, subject: str) -> None:
        self.on = False
        self._subject = subject
        self._placed: list[tuple[Any, str, Any, Any]] = []
        self._buried: list[tuple[Any, str, Any, Any]] = []

    def apply(self, patches: Sequence[Patch]) -> None:
        """Put them in place; a second time does nothing."""
        if self.on:
            return
        for patch in patches:
            original = None if patch.owner is None else vars(patch.owner).get(patch.name)
            if original is None:
                logger.warning(
                    "this %s has no %s to watch; what it does is not recorded", self._subject, patch.name
                )
            elif not self._is_there(original):
                made = replacement(original, patch.make)
                setattr(patch.owner, patch.name, made)
                self._placed.append((patch.owner, patch.name, original, made))
        self.on = True

    def undo(self) -> None:
        """Put the very originals back."""
        self.on = False
        placed, self._placed = self._placed + self._buried, []
        self._buried = []
        for owner, name, original, made in reversed(placed):
            if vars(owner).get(name) is made:
                setattr(owner, name, original)
            else:
                self._buried.append((owner, name, original, made))

    def _is_there(self, found: Any) -> bool:
        """Whether it is one of ours, that has come to light again."""
        for buried in self._buried:
            if buried[3] is found:
                self._buried.remove(buried)
                self._placed.append(buried)
                return True
        return False
