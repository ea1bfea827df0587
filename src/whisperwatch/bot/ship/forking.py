"""Forks of the bot's process: its ships let go of what is the parent's, and the parent goes on."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forks(Protocol):
    """What wants to be told of forks."""

    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


told: weakref.WeakSet[Forks] = weakref.WeakSet()
"""Who is told, as long as somebody else holds it."""
_forking: list[Forks] = []


def _before_fork() -> None:
    _forking[:] = told
    for one in _forking:
        one.before_fork()


def _after_fork_in_parent() -> None:
    for one in _forking:
        one.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for one in _forking:
        one.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
