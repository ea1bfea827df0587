"""Lets the watcher read this process' memory where Linux' Yama lets only ancestors do so: the watcher is a child.

Only who was named last may, with the processes that it starts, and only for as long as both live.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")
_ANCESTORS: Final = "1"
"""By 0 nothing is in the way, and by 2 and 3 nothing helps."""
_PR_SET_PTRACER: Final = 0x59616D61


def let_read(pid: int) -> None:
    """Where Yama asks for it, allow that to a process. Where that can't be, the watcher says that it can't read."""
    try:
        scope = _SCOPE.read_text().strip()
    except OSError:
        return
    if scope == _ANCESTORS:
        _prctl(_PR_SET_PTRACER, pid)


def _prctl(option: int, argument: int) -> None:
    with contextlib.suppress(ImportError, OSError, AttributeError):  # without ctypes, or without libc
        from ctypes import CDLL, c_int, c_ulong

        CDLL(None).prctl(c_int(option), c_ulong(argument), c_ulong(0), c_ulong(0), c_ulong(0))
