"""How Python runs in a process that is the watcher's own: not where it is a thread of its bot's."""

from __future__ import annotations

import gc
import sys
from typing import Final

_SWITCH_S: Final = 0.0005
"""After each statement the store's thread asks for the interpreter, and a busy loop gives it up only after so long:
by Python's own 5 ms a flood of log records would take half as long again."""


def share() -> None:
    """Let threads have the interpreter soon."""
    sys.setswitchinterval(_SWITCH_S)


def collect_less() -> None:
    """What start-up made stays: the collector needn't look at it again, nor look at records ten times a batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
