"""Keeps this process connected to a watcher: finds a running one, else starts one, and starts a dead one again.

A state directory has one watcher. Whoever holds its lock may start one, and hands the lock to it, so that two bots
that start at once end up with one watcher; the other finds it at the directory's socket.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.bot.ship.launch import ChildWatcher, ThreadWatcher, Watcher, can_start
from whisperwatch.bot.ship.link import Link
from whisperwatch.bot.ship.options import Options
from whisperwatch.state import StateDirectory, address

with contextlib.suppress(ImportError):
    import fcntl

logger = logging.getLogger("whisperwatch")

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
_SETTLED_S: Final = 10.0
"""A watcher that ran for so long was a good one: the next pause is the first one again."""
_SILENT_S: Final = 10.0
"""An acknowledgement that is this late is worth a line in the log."""
_HUNG_S: Final = 60.0
"""A watcher of ours that hasn't acknowledged for so long, and isn't just stopped, is killed."""


class Keeper:
    """The connection to the watcher, whatever happens to it. Belongs to the ship's thread, which calls `tend` often.

    Args:
        hello: makes the HELLO's fields.
        lost: called when a connection has ended; orderly or not.
        restarted: called when a watcher had to be started again.
    """

    def __init__(
        self,
        options: Options,
        state: StateDirectory,
        hello: Callable[[], dict[str, Any]],
        lost: Callable[[], None],
        restarted: Callable[[], None],
    ) -> None:
        self.link: Link | None = None
        self.welcome: dict[str, Any] | None = None
        """The WELCOME of the connected watcher; None before it."""
        self.refused = False
        """No watcher will ever take our tape: said once, not tried again."""
        self._options, self._state = options, state
        self._hello, self._lost, self._restarted = hello, lost, restarted
        self._threaded = options.mode == "thread" or not can_start()
        self._watcher: Watcher | None = None
        self._had_one = False
        self._ended: str | None = None
        """How our last watcher ended, once it has."""
        self._is_ours = False
        """Whether the connection is to a watcher that we started."""
        self._lock: int | None = None
        """While a watcher is being started."""
        self._locked_since = 0.0
        self._pause_s = 0.0
        self._not_before = 0.0
        self._opened = 0.0
        self._answered = 0.0
        self._said_silent = False
        self._said: set[str] = set()

    @property
    def connected(self) -> bool:
        """Whether a watcher takes batches."""
        return self.link is not None and self.welcome is not None

    def tend(self) -> None:
        """Open a connection when there is none and it is time; give up one that isn't answered."""
        if self.refused:
            return
        now = time.monotonic()
        self._reap_ended()
        if self.link is None:
            if now >= self._not_before:
                self._open(now)
        elif self.welcome is None and now - self._opened > self._options.hello_timeout_s:
            self._give_up(f"the watcher did not answer the hello within {self._options.hello_timeout_s:g} s")

    def welcomed(self, welcome: dict[str, Any]) -> None:
        """The watcher has answered."""
        self.welcome = welcome
        self._had_one = True
        self.acknowledged()
        for problem in welcome.get("problems", ()):
            self._say_once(problem)

    def refuse(self, reason: str) -> None:
        """The watcher won't have us."""
        self.refused = True
        logger.error("the watcher refuses this bot, so nothing of it is exported: %s", reason)
        self.disconnect()

    def acknowledged(self) -> None:
        """The watcher has just answered."""
        if self._said_silent:
            logger.warning("the watcher answers again")
        self._answered, self._said_silent = time.monotonic(), False

    def expect(self) -> None:
        """An acknowledgement is due from now on, and none was before."""
        self._answered = time.monotonic()

    def check_silence(self) -> None:
        """To be called while something waits for an acknowledgement."""
        silent_s = time.monotonic() - self._answered
        if not self.connected or silent_s < _SILENT_S:
            return
        assert self.welcome is not None
        pid = self.welcome.get("pid")
        stopped = _process_state(pid) in ("T", "t")
        if not self._said_silent:
            self._said_silent = True
            how = "is stopped (SIGSTOP)" if stopped else "does not answer"
            logger.warning(
                "the watcher (process %s) %s; records wait for it, up to the tape's limit", pid, how
            )
        if silent_s > _HUNG_S and not stopped and self._watcher is not None and self._watcher.pid == pid:
            self._give_up(f"the watcher has not answered for {_HUNG_S:g} s")

    def broken(self, error: OSError) -> None:
        """The connection failed."""
        if self.link is None:
            return
        was_welcome = self.connected
        self.disconnect()
        if not was_welcome and not self._is_ours:  # we found it just as it left
            self._not_before = time.monotonic()
            return
        ended = self._ended_soon()
        how = f" (its process ended {ended})" if ended and self._is_ours else ""
        advice = "" if was_welcome else f"; to see why: {self._by_hand()}"
        self._say_once(f"the connection to the watcher is lost: {error}{how}. It is started again{advice}")

    def disconnect(self) -> None:
        """Close the connection, and wait before the next."""
        if self.link is None:
            return
        self.link.close()
        self.link = None
        settled = self.connected_for() > _SETTLED_S
        self.welcome = None
        self._pause_s = 0.0 if settled else min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._not_before = time.monotonic() + self._pause_s
        self._lost()

    def connected_for(self) -> float:
        """Seconds since the newest connection was opened, if it was welcomed; else 0."""
        return time.monotonic() - self._opened if self.welcome is not None else 0.0

    def reap(self) -> None:
        """After the goodbye: wait until our watcher is gone, so that it doesn't stay a zombie."""
        if self._watcher is not None:
            self._watcher.reap()

    def abandon(self) -> None:
        """In a forked child: none of this is ours."""
        if self._watcher is not None:
            self._watcher.disown()
        if self.link is not None:
            self.link.abandon()
        if self._lock is not None:
            os.close(self._lock)
        self.link, self.welcome, self._watcher, self._lock = None, None, None, None

    # --- opening ----------------------------------------------------------------------------------------------

    def _open(self, now: float) -> None:
        try:
            connection = self._attach_or_start()
        except OSError as error:
            self._say_once(f"no watcher could be started ({error}): nothing is exported; it is tried again")
            self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._not_before = now + self._pause_s
            return
        if connection is None:  # one that is just starting, or just ending
            self._locked_since = self._locked_since or now
            if now - self._locked_since > self._options.hello_timeout_s:
                self._say_once(
                    f"{self._state.lock} is held by a watcher that can't be reached; it is tried again"
                )
            return
        self._locked_since = 0.0
        self.link = Link(connection)
        self._opened = self._answered = now
        try:
            self.link.send(tape.pack(tape.hello(**self._hello())))
        except OSError as error:
            self.broken(error)

    def _attach_or_start(self) -> socket.socket | None:
        path = self._state.path
        if path is None or self._state.lock is None or self._state.socket is None:
            return self._start(None, None)
        try:
            lock = _take(self._state.lock)
        except BlockingIOError:
            self._is_ours = False
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

    def _start(self, path: Path | None, lock: int | None) -> socket.socket:
        if self._watcher is not None:  # it closed the connection, and can't be reached again
            self._watcher.kill()
            self._watcher.reap()
        ours, theirs = socket.socketpair()
        try:
            start = ThreadWatcher if self._threaded else ChildWatcher
            self._watcher = start(theirs, path, lock)
            self._is_ours, self._ended = True, None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        if self._had_one:
            self._restarted()
        self._had_one = True
        return ours

    def _reap_ended(self) -> None:
        if self._watcher is not None and (ended := self._watcher.ended()) is not None:
            self._watcher, self._ended = None, ended

    def _give_up(self, why: str) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._say_once(f"{why}: it is killed and started again")
        else:
            self._say_once(f"{why}: its process is not ours to kill; it is tried again")
        self.disconnect()

    def _ended_soon(self) -> str | None:
        """How our child ended; its socket closes a moment before its process is gone."""
        for _ in range(20):
            self._reap_ended()
            if self._watcher is None:
                break
            time.sleep(0.005)
        return self._ended

    def _by_hand(self) -> str:
        where = f" --state-dir {self._state.path}" if self._state.path else ""
        return f"python -m whisperwatch.watcher{where}"

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            logger.warning("%s", text)


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


def _process_state(pid: Any) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
