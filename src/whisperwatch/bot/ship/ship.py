"""The ship: the one thread of ours in the bot's process. It carries what was recorded to the watcher.

It wakes just when a loop that has not turned since would count as blocked, four or five times a second: each waking
costs 0.1 to 0.3 ms of CPU. Then it takes ended spans and changed cells from the recorder, in pieces so small that no
step holds the GIL for long, and sends what the socket takes. It waits for the watcher to read, but not beyond its turn.
The bot's loop waits for nothing of it, but to give way to one that a busy loop keeps from the GIL.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from whisperwatch.bot import guard
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.ship import forking, permission
from whisperwatch.bot.ship.account import Account
from whisperwatch.bot.ship.asking import Asking
from whisperwatch.bot.ship.calls import Callee, Calls
from whisperwatch.bot.ship.cargo import Cargo
from whisperwatch.bot.ship.carrier import HOLD_S, PAUSE_S, Carrier
from whisperwatch.bot.ship.flushes import Flushes
from whisperwatch.bot.ship.keeper import Keeper
from whisperwatch.bot.ship.options import Options
from whisperwatch.bot.ship.sampler import OnBlocked, Pulse, Sampler
from whisperwatch.bot.ship.way import Way
from whisperwatch.state import StateDirectory

logger = logging.getLogger("whisperwatch")

_TICK_S: Final = 0.1
"""While there is something to look at: a watcher that starts, a loop that is blocked."""
_SLOW_TICK_S: Final = 0.25
_BEAT_S: Final = 0.4
"""A beat is due, though there are no spans to send: health calls a process silent that says nothing for a second."""
_FEW: Final = 16
_GOODBYE_S: Final = 5.0
"""The goodbye goes on for this long where `stop` was called with less."""
_COLLECTION_INTERVAL_S: Final = 15.0

Say = Callable[[], dict[str, Any]]


class Ship:
    """Carries a recorder's records to the watcher, which it keeps. Start it once; after a `stop` make a new one.

    In a forked child it is empty and off; the child may start it, as a process of its own.

    Args:
        recorder: whose records.
        beat: gives the BEAT's fields that the ship doesn't know itself (`bots`); called on the ship's thread.
        state: where the watcher is to be found.
        options: the environment's, where none are given.
        pulse: the bot's loop; None where none is watched.
        about: the HELLO's further fields: `resource` (dict), `bots` (list of names).
        on_welcome: told the WELCOME of each watcher that is connected, on the ship's thread.
        on_blocked: see `sampler.OnBlocked`.
        callees: what the watcher may call for, by name; done on the loop of the pulse.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        beat: Say,
        state: StateDirectory,
        options: Options | None = None,
        pulse: Pulse | None = None,
        about: Say = dict,
        on_welcome: Callable[[dict[str, Any]], None] | None = None,
        on_blocked: OnBlocked | None = None,
        callees: Mapping[str, Callee] | None = None,
    ) -> None:
        self.options = options or Options.from_environment()
        self._recorder, self._beat, self._about, self._on_welcome = recorder, beat, about, on_welcome
        self._sampler = Sampler(pulse, self.options.blocked_after_s, on_blocked)
        self._read_stacks = self.options.read_stacks and self.options.mode == "process"
        self._account = Account(recorder, lambda: self._cargo.size)
        account, most = self._account, self.options.tape_bytes
        self._cargo = Cargo(recorder, most, account.lost, account.lost_logs)
        self._keeper = Keeper(self.options, state, self._hello, self._disconnected, self._account.restarted)
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._way = Way(recorder)
        self._callees, self._pulse = callees or {}, pulse
        self._carrier = Carrier(
            recorder, self._cargo, self._keeper, self._new_asking(), self._new_calls(), self._welcomed
        )
        self._stopping = False
        self._deadline = 0.0
        self._reason = ""
        self._ended = threading.Event()
        self._flushes = Flushes()
        self._last_collection = -math.inf
        self._next_beat = 0.0

    # --- for the bot ------------------------------------------------------------------------------------------

    @property
    def welcome(self) -> dict[str, Any] | None:
        """The WELCOME of the connected watcher; None while there is none."""
        return self._keeper.welcome

    @property
    def asking(self) -> Asking:
        """Questions to the watcher."""
        return self._carrier.asking

    @property
    def lost_spans(self) -> int:
        """Spans that were recorded and will never be exported."""
        return self._account.lost_spans

    def start(self) -> None:
        """Sail. Returns at once; does nothing where the mode is `off`, or the second time."""
        if self.options.mode == "off" or self._thread is not None:
            return
        self._account.open()
        self._thread = threading.Thread(target=self._run, name="whisperwatch-ship", daemon=True)
        self._thread.start()
        self._way.open(self._thread)
        forking.told.add(self)

    def stop(self, timeout_s: float = 2.0, reason: str = "closed") -> bool:
        """Send what waits, say goodbye, and wait for the farewell, at most `timeout_s`; says whether it came.

        Needs no new thread and no executor, so it works in `atexit`; with a timeout of 0 it returns at once and the
        goodbye goes on, which a later call can wait for.
        """
        if self._thread is None:
            return True
        self._reason = reason
        self._deadline = max(self._deadline, time.monotonic() + max(timeout_s, _GOODBYE_S))
        self._stopping = True
        self._wake.set()
        return self._ended.wait(timeout_s) and self._carrier.said_farewell

    def flush(self, timeout_s: float) -> bool:
        """Wait until the watcher has everything that was recorded before; False when that took longer."""
        if self._thread is None:
            return self.options.mode == "off"
        flush = self._flushes.ask()
        self._call()
        return flush.wait(timeout_s)

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._sail()
        finally:
            self._way.close()

    def _sail(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            self._recorder.expect_ship(0.0)
            if began >= self._next_beat or self._is_wanted():
                self._next_beat = began + _BEAT_S
                self._turn(began + _TICK_S)
            self._rest(hurried=time.monotonic() >= began + _TICK_S)
        self.asking.close("The bot is ending.")
        self._part()
        if self._carrier.said_farewell and not (self._recorder.waiting or len(self._recorder.logs)):
            self._flushes.done()
            self._flushes.board()
            self._flushes.done()
        self._flushes.close()
        self._account.close()
        self._ended.set()
        self._keeper.reap()

    def _is_wanted(self) -> bool:
        if not self._keeper.connected or self._flushes or self.asking.waiting or self._carrier.has_more:
            return True
        return self._sampler.blocked_in_s() <= 0

    def _rest(self, hurried: bool) -> None:
        blocked_in_s = self._sampler.blocked_in_s() if self._keeper.connected else 0.0
        rest_s = 0.0 if hurried else min(max(blocked_in_s, _TICK_S), _SLOW_TICK_S)
        self._way.rest(rest_s)
        waits = self._flushes or self.asking.waiting or self._keeper.welcome is None
        if self._keeper.link is not None and waits:
            self._keeper.link.wait(min(rest_s, _TICK_S), for_answer=True)
        else:
            self._wake.wait(rest_s)
        self._wake.clear()

    def _call(self) -> None:
        """Something is to be done at once."""
        self._recorder.expect_ship(0.0)
        self._wake.set()

    def _turn(self, until: float) -> None:
        self._flushes.board()
        try:
            self._collect_if_due()
            self._keeper.tend()
            relieved = bool(self._recorder.packed) and not self._flushes
            if not relieved:
                self._settle()
            asked = self._flushes.aboard and self._flushes.mark is None
            carried = self._carrier.carry(until, self._make_beat, packed_only=relieved, thorough=asked)
            self._answer_flushes(carried)
            self._sampler.speak()
        except Exception:
            guard.failed("ship")

    def _settle(self) -> None:
        """Have what has ended measured and encoded, with pauses; what ends meanwhile is the next turn's."""
        left = len(self._recorder.unsettled)
        until = time.perf_counter() + HOLD_S
        while left > 0 and self._recorder.settle(_FEW):
            left -= _FEW
            if time.perf_counter() >= until:
                self._recorder.expect_ship(PAUSE_S)
                time.sleep(PAUSE_S)
                until = time.perf_counter() + HOLD_S

    def _collect_if_due(self) -> None:
        interval = (
            (self.welcome or {}).get("settings", {}).get("collection_interval_s", _COLLECTION_INTERVAL_S)
        )
        if time.monotonic() >= self._last_collection + interval:
            self._last_collection = time.monotonic()
            self._recorder.collect()

    def _answer_flushes(self, carried: bool) -> None:
        flushes = self._flushes
        if self._keeper.refused:
            flushes.close()
        elif self._keeper.connected and flushes.aboard:
            if flushes.mark is None and carried:
                flushes.mark = self._cargo.mark
            if flushes.mark is not None and not self._cargo.has(flushes.mark):
                flushes.done()

    def _welcomed(self, welcome: dict[str, Any]) -> None:
        settings = welcome.get("settings", {})
        self._cargo.waiting.limit_bytes = settings.get("tape_bytes", self.options.tape_bytes)
        self._sampler.blocked_after_s = settings.get("blocked_after_s", self.options.blocked_after_s)
        if self._read_stacks and isinstance(pid := welcome.get("pid"), int):
            permission.let_read(pid)
        if self._on_welcome is not None and not self._stopping:  # there may be another ship by now
            self._on_welcome(welcome)

    def _disconnected(self) -> None:
        self._flushes.mark = None
        self._cargo.disconnected(orderly=self._carrier.said_farewell)
        self.asking.disconnected()
        self._carrier.calls.disconnected()

    def _new_asking(self) -> Asking:
        return Asking(self._call)

    def _new_calls(self) -> Calls:
        pulse = self._pulse
        return Calls(self._callees, lambda: None if pulse is None else pulse.loop, self._call)

    # --- the end ----------------------------------------------------------------------------------------------

    def _part(self) -> None:
        """Hand over what is left, say goodbye, wait for the farewell; all of it within the deadline."""
        self._recorder.deferring = False
        self._last_collection = -math.inf
        carrier = self._carrier
        while not carrier.said_farewell and not self._keeper.refused and time.monotonic() < self._deadline:
            self._turn(min(self._deadline, time.monotonic() + _TICK_S))
            link = self._keeper.link
            if link is None or not self._keeper.connected:
                carrier.said_goodbye = False
                time.sleep(0.01)
            elif carrier.said_goodbye:
                link.wait(0.05, for_answer=True)
            elif not carrier.has_more:
                carrier.say_goodbye(self._reason)
        if not self._cargo.ashore:
            logger.warning(
                "the watcher could not be given everything before the end: the newest records are lost"
            )
        self._keeper.disconnect()

    # --- about ourselves --------------------------------------------------------------------------------------

    def _hello(self) -> dict[str, Any]:
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        script = os.path.basename(main) if main else None
        return {"read_stacks": self._read_stacks, "main": script, **self._about()}

    def _make_beat(self) -> dict[str, Any]:
        beat: dict[str, Any] = {"loop": self._sampler.look()}
        try:
            beat |= self._beat()
        except Exception:
            guard.failed("ship.beat")
        beat["thread"] = self._sampler.thread_id
        beat["tape"] = (self._cargo.size, self.lost_spans + self._recorder.dropped_spans)
        beat["sent"] = time.monotonic_ns()
        return beat

    # --- forking ----------------------------------------------------------------------------------------------

    def after_fork_in_child(self) -> None:
        self._keeper.abandon()
        self._thread, self._stopping, self._flushes = None, False, Flushes()
        self._wake, self._ended = threading.Event(), threading.Event()
        self._way.after_fork()
        self._carrier.asking, self._carrier.calls = self._new_asking(), self._new_calls()
        self._cargo.after_fork(self.options.tape_bytes, self._account.lost, self._account.lost_logs)
