"""Forks of the bot's process: in the child its ships let go of what is the parent's."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forks(Protocol):
    """What wants to be told of forks."""

    def after_fork_in_child(self) -> None: ...


told: weakref.WeakSet[Forks] = weakref.WeakSet()
"""Who is told, as long as somebody else holds it."""


def _after_fork_in_child() -> None:
    for one in list(told):
        one.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
