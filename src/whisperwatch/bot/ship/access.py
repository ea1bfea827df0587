"""The way to a watcher: to the running one of the state directory, else to one that is started.

A state directory has one watcher. Whoever holds its lock may start one, and hands the lock to it, so that two bots
that start at once end up with one watcher; the other finds it at the directory's socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from whisperwatch.bot.ship.launch import ChildWatcher, ThreadWatcher, Watcher, can_start
from whisperwatch.state import StateDirectory, address

with contextlib.suppress(ImportError):
    import fcntl


class Access:
    """Opens connections. Belongs to the ship's thread.

    Args:
        mode: `process` or `thread`.
        restarted: called when a watcher had to be started again.

    Attributes:
        had_one: there was a watcher before, so the next to be started is a restart.
        is_ours: the newest connection is to a watcher that we started.
    """

    def __init__(self, state: StateDirectory, mode: str, restarted: Callable[[], None]) -> None:
        self.had_one = self.is_ours = False
        self._state, self._restarted = state, restarted
        self._threaded = mode == "thread" or not can_start()
        self._watcher: Watcher | None = None
        self._ended: str | None = None
        """How our last watcher ended, once it has."""
        self._lock: int | None = None
        """While a watcher is being started."""

    @property
    def pid(self) -> int | None:
        """The process of the watcher that we started; None where there is none."""
        return self._watcher.pid if self._watcher is not None else None

    def open(self) -> socket.socket | None:
        """A connection; None while a watcher is just starting, or just ending.

        Raises:
            OSError: no watcher could be started.
        """
        path = self._state.path
        if path is None or self._state.lock is None or self._state.socket is None:
            return self._start(None, None)
        try:
            lock = _take(self._state.lock)
        except BlockingIOError:
            self.is_ours = False
            return _connect(self._state.socket)
        except OSError:  # a file system without locks: nobody can attach to this watcher
            return self._start(None, None)
        self._lock = lock
        try:
            return self._start(path, lock)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(lock)
            raise
        finally:
            self._lock = None

    def reap_ended(self) -> None:
        """Take note if our watcher has ended."""
        if self._watcher is not None and (ended := self._watcher.ended()) is not None:
            self._watcher, self._ended = None, ended

    def ended_soon(self) -> str | None:
        """How our child ended; its socket closes a moment before its process is gone."""
        for _ in range(20):
            self.reap_ended()
            if self._watcher is None:
                break
            time.sleep(0.005)
        return self._ended

    def kill(self) -> bool:
        """Kill our watcher; False where there is none of ours."""
        if self._watcher is None:
            return False
        self._watcher.kill()
        return True

    def reap(self) -> None:
        """Wait until our watcher is gone, so that it doesn't stay a zombie."""
        if self._watcher is not None:
            self._watcher.reap()

    def abandon(self) -> None:
        """In a forked child: none of this is ours."""
        if self._watcher is not None:
            self._watcher.disown()
        if self._lock is not None:
            os.close(self._lock)
        self._watcher, self._lock = None, None

    def _start(self, path: Path | None, lock: int | None) -> socket.socket:
        if self._watcher is not None:  # it closed the connection, and can't be reached again
            self._watcher.kill()
            self._watcher.reap()
        ours, theirs = socket.socketpair()
        try:
            start = ThreadWatcher if self._threaded else ChildWatcher
            self._watcher = start(theirs, path, lock)
            self.is_ours, self._ended = True, None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        if self.had_one:
            self._restarted()
        self.had_one = True
        return ours


def _take(lock: Path) -> int:
    """The lock's descriptor.

    Raises:
        BlockingIOError: a watcher, or who starts one, has it.
        OSError: it can't be taken here.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        with address(path) as where:
            connection.connect(where)
    except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection
