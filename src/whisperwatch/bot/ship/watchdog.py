"""Names the code that holds the GIL: while C code does, no thread of Python runs, and only faulthandler's timer can.

The ship arms the timer again and again, so it fires only when the ship itself can't run; it then writes the stacks of
all threads to a file in memory, which the watcher reads through `/proc`. Its timer is the one of the whole process: a
host that calls `faulthandler.dump_traceback_later` gets it, for good. A call before ours, or of a name imported before,
can't be seen: such a host sets `WHISPERWATCH_FAULTHANDLER=false`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

FIRES_AFTER_S: Final = 1.5
_EVERY_S: Final = 0.7
"""Arming starts a thread of C, with the GIL held: 10 to 400 µs."""


class Watchdog:
    """faulthandler's timer, while nobody else wants it. `arm` and `stop` are for the ship's thread.

    Attributes:
        descriptor: what the stacks are written to; None where there is no such thing.
    """

    def __init__(self, on: bool) -> None:
        self.descriptor: int | None = _file_in_memory() if on else None
        self._lock = threading.Lock()
        self._armed = 0.0
        self._hosts_own: Callable[..., None] | None = None

    def arm(self) -> None:
        """Put the timer back to its beginning, if that is due."""
        now = time.monotonic()
        if now - self._armed < _EVERY_S:
            return
        with self._lock:
            if self.descriptor is None:
                return
            if self._hosts_own is None:
                self._hosts_own = faulthandler.dump_traceback_later
                faulthandler.dump_traceback_later = self._yield_to_host
            os.ftruncate(self.descriptor, 0)
            os.lseek(self.descriptor, 0, os.SEEK_SET)
            self._hosts_own(FIRES_AFTER_S, file=self.descriptor)
            self._armed = now

    def stop(self) -> None:
        """Leave the timer alone from now on."""
        with self._lock:
            self._cancel()
            self._let_go()

    def before_fork(self) -> None:
        """A child made while the timer runs would wait for its thread, which isn't there, for ever when it exits."""
        self._lock.acquire()
        self._cancel()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        self._let_go()

    def _yield_to_host(self, *arguments: Any, **named: Any) -> None:
        with self._lock:
            hosts_own = self._hosts_own or faulthandler.dump_traceback_later
            self._cancel()
            self._let_go()
        hosts_own(*arguments, **named)

    def _cancel(self) -> None:
        if self._hosts_own is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed = 0.0

    def _let_go(self) -> None:
        if self._hosts_own is not None and faulthandler.dump_traceback_later == self._yield_to_host:
            faulthandler.dump_traceback_later = self._hosts_own
        self._hosts_own = None
        if self.descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self.descriptor)
        self.descriptor = None


def _file_in_memory() -> int | None:
    if not hasattr(os, "memfd_create"):
        return None
    try:
        return os.memfd_create("whisperwatch-stack", os.MFD_CLOEXEC)
    except OSError:
        return None
