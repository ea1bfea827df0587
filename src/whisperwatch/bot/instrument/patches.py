"""The patch table's mechanics: put a replacement where discord.py looks a function up, and the very original back."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("whisperwatch")


@dataclass(frozen=True, slots=True)
class Patch:
    """`owner.name`, which `make(original)` replaces. `owner` None: this discord.py has no such thing."""

    owner: Any
    name: str
    make: Callable[[Any], Any]


class PatchTable:
    """Patches that are applied together. Applying twice, or undoing twice, does nothing the second time.

    Args:
        subject: what is patched, as the log names it.
    """

    def __init__(self, subject: str = "discord.py") -> None:
        self._subject = subject
        self._undo: list[tuple[Any, str, Any]] = []

    @property
    def applied(self) -> bool:
        return bool(self._undo)

    def apply(self, patches: Sequence[Patch]) -> None:
        if self._undo:
            return
        for patch in patches:
            original = None if patch.owner is None else vars(patch.owner).get(patch.name)
            if original is None:
                logger.warning(
                    "this %s has no %s to watch; what it does is not recorded", self._subject, patch.name
                )
                continue
            self._undo.append((patch.owner, patch.name, original))
            setattr(patch.owner, patch.name, replacement(original, patch.make))

    def undo(self) -> None:
        while self._undo:
            owner, name, original = self._undo.pop()
            setattr(owner, name, original)


def replacement(original: Any, make: Callable[[Any], Any]) -> Any:
    """What is put in the place of `original`, with its name and signature."""
    if isinstance(original, classmethod):
        made = make(original.__func__)
        functools.update_wrapper(made, original.__func__)
        return classmethod(made)
    made = make(original)
    functools.update_wrapper(made, original)
    return made
