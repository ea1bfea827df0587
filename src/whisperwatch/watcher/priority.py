"""Where the processor is short, the bot comes first.

To be nice is not enough: that says how much of the processor the watcher gets, not when. Since Linux 6.6 (EEVDF) a bot
that wakes up waits until whoever is running has had a turn, or until the next tick, 4 ms. Since Linux 6.12 a process
can ask for longer turns: from it another that is owed time takes the processor at once.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final

_NICENESS: Final = 5
"""The watcher still gets a quarter of what the bot gets."""
_TURN_NS: Final = 3_000_000
"""Others have 0.7 to 2.8 ms, by how many processors there are. So long a bot may wait that has had more than its share,
so it isn't longer than it need be."""
_SET_ATTRIBUTES: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}.get(platform.machine())
"""The number of `sched_setattr`, for which most C libraries have no name."""
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""`struct sched_attr`: size, policy, flags, niceness, priority; the turn's length, deadline, period."""


def let_the_bot_go_first() -> None:
    """For this process and the threads that it will start. What the system doesn't know, or forbids, is left out."""
    niceness = os.nice(_NICENESS)
    if _SET_ATTRIBUTES is None or not hasattr(os, "SCHED_OTHER"):
        return
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, niceness, 0, _TURN_NS, 0, 0)
    ctypes.CDLL(None).syscall(ctypes.c_long(_SET_ATTRIBUTES), 0, wanted, 0)
