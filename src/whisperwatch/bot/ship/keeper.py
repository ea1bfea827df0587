"""Keeps this process connected to a watcher: when to open a connection, when to give one up, and what to say."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.bot.ship.access import Access
from whisperwatch.bot.ship.link import Link
from whisperwatch.bot.ship.options import Options
from whisperwatch.state import StateDirectory

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
        self._hello, self._lost = hello, lost
        self._access = Access(state, options.mode, restarted)
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
        self._access.reap_ended()
        if self.link is None:
            if now >= self._not_before:
                self._open(now)
        elif self.welcome is None and now - self._opened > self._options.hello_timeout_s:
            self._give_up(f"the watcher did not answer the hello within {self._options.hello_timeout_s:g} s")

    def welcomed(self, welcome: dict[str, Any]) -> None:
        """The watcher has answered."""
        self.welcome = welcome
        self._access.had_one = True
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
        if silent_s > _HUNG_S and not stopped and self._access.pid == pid:
            self._give_up(f"the watcher has not answered for {_HUNG_S:g} s")

    def broken(self, error: OSError) -> None:
        """The connection failed."""
        if self.link is None:
            return
        was_welcome = self.connected
        self.disconnect()
        if not was_welcome and not self._access.is_ours:  # we found it just as it left
            self._not_before = time.monotonic()
            return
        ended = self._access.ended_soon()
        how = f" (its process ended {ended})" if ended and self._access.is_ours else ""
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
        self._access.reap()

    def abandon(self) -> None:
        """In a forked child: none of this is ours."""
        self._access.abandon()
        if self.link is not None:
            self.link.abandon()
        self.link, self.welcome = None, None

    # --- opening ----------------------------------------------------------------------------------------------

    def _open(self, now: float) -> None:
        greeting = tape.pack(tape.hello(**self._hello()))
        try:
            connection = self._access.open()
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
            self.link.send(greeting)
        except OSError as error:
            self.broken(error)

    def _give_up(self, why: str) -> None:
        if self._access.kill():
            self._say_once(f"{why}: it is killed and started again")
        else:
            self._say_once(f"{why}: its process is not ours to kill; it is tried again")
        self.disconnect()

    def _by_hand(self) -> str:
        where = f" --state-dir {self._state.path}" if self._state.path else ""
        return f"python -m whisperwatch.watcher{where}"

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            logger.warning("%s", text)


def _process_state(pid: Any) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
