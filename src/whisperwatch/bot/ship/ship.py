"""The ship: the one thread of ours in the bot's process. It carries what was recorded to the watcher.

It wakes just when a loop that has not turned since would count as blocked, four or five times a second: each waking
costs 0.1 to 0.3 ms of CPU. Then it takes ended spans and changed cells from the recorder, in pieces so small that no
step holds the GIL for long, and sends what the socket takes. It never waits for the watcher, and the bot's loop never
waits for it.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

from whisperwatch import semconv, tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import Value
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.ship.asking import Asking
from whisperwatch.bot.ship.keeper import Keeper
from whisperwatch.bot.ship.link import Link
from whisperwatch.bot.ship.logs import LogsOnBoard
from whisperwatch.bot.ship.options import Options
from whisperwatch.bot.ship.sampler import OnBlocked, Pulse, Sampler
from whisperwatch.bot.ship.waiting import Waiting
from whisperwatch.bot.ship.watchdog import Watchdog
from whisperwatch.state import StateDirectory

logger = logging.getLogger("whisperwatch")

_TICK_S: Final = 0.1
"""While there is something to look at: a watcher that starts, a loop that is blocked."""
_SLOW_TICK_S: Final = 0.25
_BEAT_S: Final = 0.4
"""A beat is due, though there are no spans to send: health calls a process silent that says nothing for a second."""
_PIECE: Final = 128
"""Spans, cells or definitions packed in one go: about 0.1 ms of the GIL."""
_LARGE_PIECE: Final = 512
"""Once thousands wait, the bot is busy anyway, and each piece costs the ship a wait for the GIL."""
_MANY: Final = 2048
_PAUSE_S: Final = 0.001
_HOLD_S: Final = 0.00025
"""For so long the GIL is held in one go: it is what the bot's loop may have to wait."""
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
    ) -> None:
        self.options = options or Options.from_environment()
        self.lost_spans = 0
        """Spans that were recorded and will never be exported."""
        self._recorder, self._beat, self._about, self._on_welcome = recorder, beat, about, on_welcome
        self._sampler = Sampler(pulse, self.options.blocked_after_s, on_blocked)
        self._watchdog = Watchdog(self.options.faulthandler and self.options.mode == "process")
        self._waiting = Waiting(self.options.tape_bytes, self._lose)
        self._logs = LogsOnBoard(recorder.logs, self.options.tape_bytes, self._lose_logs)
        self._keeper = Keeper(self.options, state, self._hello, self._disconnected, self._count_restart)
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self.asking = Asking(lambda: self._wake.set())
        """Questions to the watcher."""
        self._stopping = False
        self._deadline = 0.0
        self._reason = ""
        self._ended = threading.Event()
        self._flushes: list[threading.Event] = []
        self._last_collection = -math.inf
        self._next_beat = 0.0
        self._seq = 0
        self._sent_definitions = 0
        self._cells: list[tuple[Any, ...]] = []
        self._said_goodbye = self._said_farewell = False

    # --- for the bot ------------------------------------------------------------------------------------------

    @property
    def welcome(self) -> dict[str, Any] | None:
        """The WELCOME of the connected watcher; None while there is none."""
        return self._keeper.welcome

    def start(self) -> None:
        """Sail. Returns at once; does nothing where the mode is `off`, or the second time."""
        if self.options.mode == "off" or self._thread is not None:
            return
        self._count_ourselves()
        self._thread = threading.Thread(target=self._run, name="whisperwatch-ship", daemon=True)
        self._thread.start()
        self._recorder.deferring = True
        _ships.add(self)

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
        return self._ended.wait(timeout_s) and self._said_farewell

    def flush(self, timeout_s: float) -> bool:
        """Wait until the watcher has everything that was recorded before; False when that took longer."""
        if self._thread is None or self._ended.is_set():
            return self.options.mode == "off"
        done = threading.Event()
        self._flushes.append(done)
        self._wake.set()
        return done.wait(timeout_s)

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            self._arm()
            if began >= self._next_beat or self._is_wanted():
                self._next_beat = began + _BEAT_S
                self._turn(began + _TICK_S)
            self._rest(hurried=time.monotonic() >= began + _TICK_S)
        self._watchdog.stop()
        self.asking.close("The bot is ending.")
        self._part()
        self._ended.set()
        self._keeper.reap()

    def _arm(self) -> None:
        try:
            self._watchdog.arm()
        except Exception:
            guard.failed("ship.watchdog")

    def _is_wanted(self) -> bool:
        if not self._keeper.connected or self._flushes or self.asking.waiting or self._more():
            return True
        return self._sampler.blocked_in_s() <= 0

    def _rest(self, hurried: bool) -> None:
        blocked_in_s = self._sampler.blocked_in_s() if self._keeper.connected else 0.0
        rest_s = 0.0 if hurried else min(max(blocked_in_s, _TICK_S), _SLOW_TICK_S)
        waits = self._flushes or self.asking.waiting or self._keeper.welcome is None
        if self._keeper.link is not None and waits:
            self._keeper.link.wait(min(rest_s, _TICK_S), for_answer=True)
        else:
            self._wake.wait(rest_s)
        self._wake.clear()

    def _turn(self, until: float) -> None:
        try:
            self._collect_if_due()
            self._keeper.tend()
            self._settle()
            self._carry(until)
            self._sampler.speak()
        except Exception:
            guard.failed("ship")

    def _settle(self) -> None:
        """Have what has ended measured and encoded, with pauses."""
        until = time.perf_counter() + _HOLD_S
        while self._recorder.settle(_FEW):
            if time.perf_counter() >= until:
                time.sleep(_PAUSE_S)
                until = time.perf_counter() + _HOLD_S

    def _collect_if_due(self) -> None:
        interval = (
            (self.welcome or {}).get("settings", {}).get("collection_interval_s", _COLLECTION_INTERVAL_S)
        )
        if time.monotonic() >= self._last_collection + interval:
            self._last_collection = time.monotonic()
            self._recorder.collect()

    def _carry(self, until: float) -> None:
        """Take what was recorded, in pieces, and send what goes, until nothing is left or it is time."""
        if self._said_goodbye:  # the watcher hears no more
            self._read()
            return
        beat: dict[str, Any] | None = self._make_beat()
        while True:
            self._take_spans()
            self._read()
            if self._send_piece(beat):
                beat = None
            is_late = time.monotonic() >= until
            if is_late or not self._more():
                self._push()
                if is_late or not self._more():
                    return
            self._pause(until)

    def _take_spans(self) -> None:
        many = self._recorder.waiting > _MANY
        if spans := self._recorder.take_spans(_LARGE_PIECE if many else _PIECE):
            self._waiting.add(spans)
            if self._keeper.refused:
                self._waiting.clear("refused")
        if self._keeper.refused:
            self._logs.clear("refused")

    def _more(self) -> bool:
        if self._recorder.waiting:
            return True
        link = self._keeper.link
        if link is None or not self._keeper.connected:
            return False
        return bool(not link.sent or len(self._waiting) or self._logs.any or self._cells or self._undefined)

    def _pause(self, until: float) -> None:
        time.sleep(_PAUSE_S)
        link = self._keeper.link
        if link is not None and not link.sent and not self._recorder.waiting:
            link.wait(until - time.monotonic())

    @property
    def _undefined(self) -> bool:
        return self._sent_definitions < len(self._recorder.definitions)

    def _send_piece(self, beat: dict[str, Any] | None) -> bool:
        """Send one batch, if there is anything for it and the last one has left; says whether it did."""
        link = self._keeper.link
        if link is None:
            return False
        try:
            if not link.sent:
                link.push()
            if not link.sent or not self._keeper.connected:
                return False
            for frame in self.asking.frames():
                link.hold(frame)
            return link.sent and self._send_batch(link, beat)
        except OSError as error:
            self._keeper.broken(error)
            return False

    def _push(self) -> None:
        link = self._keeper.link
        try:
            if link is not None:
                link.push()
        except OSError as error:
            self._keeper.broken(error)

    def _send_batch(self, link: Link, beat: dict[str, Any] | None) -> bool:
        if beat is not None:
            self._cells += self._recorder.take_cells()
        if not self._unacknowledged:
            self._keeper.expect()
        start = self._sent_definitions
        definitions = self._recorder.definitions[start : start + _PIECE]
        self._sent_definitions += len(definitions)
        cells: list[tuple[Any, ...]] = []
        spans: bytes | None = None
        if not self._undefined:  # what they name is known to the watcher, or is in this batch
            cells, self._cells = self._cells[:_PIECE], self._cells[_PIECE:]
            spans = self._waiting.next(self._seq + 1)
        logs = self._logs.next(self._seq + 1)
        if beat is None and not definitions and not cells and spans is None and logs is None:
            return False
        self._seq += 1
        batch: tuple[Any, ...] = (
            tape.BATCH,
            self._seq,
            self._recorder.clock.adjust(),
            definitions,
            spans or [],
            cells,
            beat,
            logs or [],
        )
        link.hold(tape.pack(batch))
        return True

    # --- answers ----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        link = self._keeper.link
        if link is None:
            return
        try:
            for frame in link.receive():
                self._answer(*frame)
        except OSError as error:
            if self._said_farewell:
                self._keeper.disconnect()
            else:
                self._keeper.broken(error)
        if self._unacknowledged:
            self._keeper.check_silence()
        if self._flushes and not (self._recorder.waiting or self._more() or self._unacknowledged):
            flushes, self._flushes = self._flushes, []
            for done in flushes:
                done.set()

    def _answer(self, kind: str, *rest: Any) -> None:
        if kind == tape.ACK:
            self._keeper.acknowledged()
            seq, passed_spans, passed_logs = rest
            self._waiting.acknowledged(seq, passed_spans)
            self._logs.acknowledged(seq, passed_logs)
        elif kind == tape.WELCOME:
            self._sent_definitions, self._cells, self._seq = 0, self._recorder.all_cells(), 0
            self._keeper.welcomed(rest[0])
            self.asking.welcomed()
            settings = rest[0].get("settings", {})
            self._waiting.limit_bytes = settings.get("tape_bytes", self.options.tape_bytes)
            self._sampler.blocked_after_s = settings.get("blocked_after_s", self.options.blocked_after_s)
            if self._on_welcome is not None and not self._stopping:  # there may be another ship by now
                try:
                    self._on_welcome(rest[0])
                except Exception:
                    guard.failed("ship.on_welcome")
        elif kind == tape.ANSWER:
            self.asking.answered(*rest)
        elif kind == tape.NOTE:
            logger.log(rest[0], "%s", rest[1])
        elif kind == tape.FAREWELL:
            self._said_farewell = True
        elif kind == tape.REFUSED:
            self._keeper.refuse(rest[0].get("reason", "it says no reason"))
            self.asking.close("It refuses this bot; the bot's log says why.")
            self._waiting.clear("refused")
            self._logs.clear("refused")

    @property
    def _unacknowledged(self) -> int:
        return self._waiting.unacknowledged + self._logs.unacknowledged

    def _disconnected(self) -> None:
        self._waiting.disconnected(orderly=self._said_farewell)
        self._logs.disconnected(orderly=self._said_farewell)
        self.asking.disconnected()
        self._cells = []

    # --- the end ----------------------------------------------------------------------------------------------

    def _part(self) -> None:
        """Hand over what is left, say goodbye, wait for the farewell; all of it within the deadline."""
        self._recorder.deferring = False
        self._last_collection = -math.inf
        while not self._said_farewell and not self._keeper.refused and time.monotonic() < self._deadline:
            self._turn(min(self._deadline, time.monotonic() + _TICK_S))
            link = self._keeper.link
            if link is None or not self._keeper.connected:
                self._said_goodbye = False
                time.sleep(0.01)
            elif not self._said_goodbye and not self._more():
                self._said_goodbye = self._say_goodbye(link)
            elif self._said_goodbye:
                link.wait(0.05, for_answer=True)
        if self._unacknowledged or len(self._waiting) or self._logs.any:
            logger.warning(
                "the watcher could not be given everything before the end: the newest records are lost"
            )
        self._keeper.disconnect()

    def _say_goodbye(self, link: Link) -> bool:
        try:
            link.send(tape.pack((tape.GOODBYE, self._seq, self._reason)))
        except OSError as error:
            self._keeper.broken(error)
            return False
        return True

    # --- about ourselves --------------------------------------------------------------------------------------

    def _hello(self) -> dict[str, Any]:
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        script = os.path.basename(main) if main else None
        return {"stack": self._watchdog.descriptor, "main": script, **self._about()}

    def _make_beat(self) -> dict[str, Any]:
        beat: dict[str, Any] = {"loop": self._sampler.look()}
        try:
            beat |= self._beat()
        except Exception:
            guard.failed("ship.beat")
        beat["thread"] = self._sampler.thread_id
        beat["tape"] = (self._waiting.size + self._logs.size, self.lost_spans + self._recorder.dropped_spans)
        beat["sent"] = time.monotonic_ns()
        return beat

    def _count_ourselves(self) -> None:
        self._restarts = self._recorder.instrument(semconv.SELF_WATCHER_RESTARTS).find(None)
        self._size = self._recorder.instrument(semconv.SELF_TAPE).find(None)
        for reason in ("tape_full", "watcher_died"):
            self._recorder.count_dropped("spans", reason, 0)
        for reason in ("queue_full", "watcher_died"):
            self._recorder.count_dropped("logs", reason, 0)
        self._recorder.collectors.append(self._measure)

    def _measure(self) -> None:
        assert isinstance(self._size, Value)
        self._size.set(self._waiting.size + self._logs.size)

    def _count_restart(self) -> None:
        assert isinstance(self._restarts, Value)
        self._restarts.add(1)

    def _lose(self, reason: str, spans: int) -> None:
        self.lost_spans += spans
        self._recorder.count_dropped("spans", reason, spans)

    def _lose_logs(self, reason: str, logs: int) -> None:
        self._recorder.count_dropped("logs", reason, logs)

    # --- forking ----------------------------------------------------------------------------------------------

    def _before_fork(self) -> None:
        self._watchdog.before_fork()

    def _after_fork_in_parent(self) -> None:
        self._watchdog.after_fork_in_parent()

    def _after_fork_in_child(self) -> None:
        self._watchdog.after_fork_in_child()
        self._keeper.abandon()
        self._thread, self._stopping, self._flushes = None, False, []
        self._wake, self._ended = threading.Event(), threading.Event()
        self.asking = Asking(lambda: self._wake.set())
        self._waiting = Waiting(self.options.tape_bytes, self._lose)
        self._logs = LogsOnBoard(self._recorder.logs, self.options.tape_bytes, self._lose_logs)


_ships: weakref.WeakSet[Ship] = weakref.WeakSet()
_forking: list[Ship] = []


def _before_fork() -> None:
    _forking[:] = _ships
    for ship in _forking:
        ship._before_fork()


def _after_fork_in_parent() -> None:
    for ship in _forking:
        ship._after_fork_in_parent()


def _after_fork_in_child() -> None:
    for ship in _forking:
        ship._after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
