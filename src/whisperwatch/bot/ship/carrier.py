"""The carrier: one connection's give and take. Sends the cargo in pieces, and hears the watcher's answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording.recorder import Recorder
from whisperwatch.bot.ship.asking import Asking
from whisperwatch.bot.ship.calls import Calls
from whisperwatch.bot.ship.cargo import Cargo
from whisperwatch.bot.ship.keeper import Keeper
from whisperwatch.bot.ship.link import Link

logger = logging.getLogger("whisperwatch")

HOLD_S: Final = 0.00025
"""For so long the GIL is held in one go: it is what the bot's loop may have to wait."""
PAUSE_S: Final = 0.001
"""Between two such."""
_BEAT_S: Final = 0.4
"""After so long one more is due, where it goes on."""
_THOROUGH_S: Final = 2.0
"""At most, beyond the time."""
_MOST_USERS: Final = 100_000
"""That wait for a beat that can be sent."""


class Carrier:
    """Belongs to the ship's thread; never waits for the watcher.

    Args:
        on_welcome: told each WELCOME.

    Attributes:
        asking, calls: questions to the watcher, and its calls; a forked child has its own.
        said_goodbye: the watcher hears no more of us.
        said_farewell: the watcher has all of ours, and hangs up.
    """

    def __init__(
        self,
        recorder: Recorder,
        cargo: Cargo,
        keeper: Keeper,
        asking: Asking,
        calls: Calls,
        on_welcome: Callable[[dict[str, Any]], None],
    ) -> None:
        self.said_goodbye = self.said_farewell = False
        self.asking, self.calls = asking, calls
        self._recorder, self._cargo, self._keeper = recorder, cargo, keeper
        self._on_welcome = on_welcome
        self._unsent: Sequence[int] = ()

    @property
    def has_more(self) -> bool:
        """Whether something could be taken or sent now."""
        return bool(self._recorder.waiting) or self._can_send

    @property
    def _is_full(self) -> bool:
        """Whether the watcher has to read before more can be sent."""
        link = self._keeper.link
        return link is not None and not link.sent

    @property
    def _can_send(self) -> bool:
        link = self._keeper.link
        if link is None or not self._keeper.connected:
            return False
        return bool(not link.sent or self._cargo or self.calls.ended)

    def carry(
        self,
        until: float,
        make_beat: Callable[[], dict[str, Any]],
        *,
        packed_only: bool = False,
        thorough: bool = False,
    ) -> bool:
        """Take what was recorded, in pieces, and send what goes, until nothing is left or it is time.

        What comes meanwhile is the next turn's: of a busy loop the GIL would be wanted without an end. `packed_only`
        leaves what the loop hasn't packed, too; `thorough` goes on beyond the time while the watcher reads, until all
        that was recorded before is on board.

        Returns:
            Whether it is, and the points are sent.
        """
        if self.said_goodbye:
            self._push()  # where the watcher was slow to read, some of it is still here
            self._read()
            return False
        beat: dict[str, Any] | None = self._with_unsent(make_beat())
        self._read()
        left = 0 if packed_only else self._recorder.waiting
        logs = self._recorder.logs.recorded
        if packed_only:
            self._cargo.take_spans(packed_only=True)
        begun, next_beat = time.perf_counter(), time.monotonic() + _BEAT_S
        while True:
            if left > 0:
                left -= self._cargo.take_spans() or left
            if self._keeper.refused:
                self._cargo.clear("refused")
            if self._send_piece(beat):
                beat, self._unsent = None, ()
            if thorough and beat is None and time.monotonic() >= next_beat:
                beat, next_beat = make_beat(), time.monotonic() + _BEAT_S
            is_taken = left <= 0 and logs <= self._recorder.logs.gone
            is_late = time.monotonic() >= until
            if is_late and thorough and not is_taken and self._keeper.connected and not self._is_full:
                is_late = time.monotonic() >= until + _THOROUGH_S
            if is_late or not (left > 0 or self._can_send):
                self._push()
                if is_late or not (left > 0 or self._can_send):
                    self._unsent = () if beat is None else beat["users"]
                    return is_taken and self._points_are_sent(beat)
            if time.perf_counter() - begun >= HOLD_S or self._is_full:
                self._pause(until, for_room=left <= 0)
                self._read()
                begun = time.perf_counter()

    def _points_are_sent(self, beat: dict[str, Any] | None) -> bool:
        return beat is None and not self._cargo.has_points and not self._is_full

    def _with_unsent(self, beat: dict[str, Any]) -> dict[str, Any]:
        """With the users of a beat that could not be sent: nobody else tells of them again."""
        users = dict.fromkeys([*self._unsent, *beat.get("users", ())])
        return {**beat, "users": list(users)[:_MOST_USERS]}

    def say_goodbye(self, reason: str) -> None:
        """There is no more to come."""
        link = self._keeper.link
        try:
            if link is not None:
                link.send(tape.pack((tape.GOODBYE, self._cargo.seq, reason)))
                self.said_goodbye = True
        except OSError as error:
            self._keeper.broken(error)

    # --- sending ----------------------------------------------------------------------------------------------

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
            for frame in (*self.asking.frames(), *self.calls.frames()):
                link.hold(frame)
            return link.sent and self._send_batch(link, beat)
        except OSError as error:
            self._keeper.broken(error)
            return False

    def _send_batch(self, link: Link, beat: dict[str, Any] | None) -> bool:
        if not self._cargo.unacknowledged:
            self._keeper.expect()
        batch = self._cargo.batch(beat)
        if batch is not None:
            link.hold(tape.pack(batch))
        return batch is not None

    def _push(self) -> None:
        link = self._keeper.link
        try:
            if link is not None:
                link.push()
        except OSError as error:
            self._keeper.broken(error)

    def _pause(self, until: float, *, for_room: bool) -> None:
        link = self._keeper.link
        if link is not None and not link.sent and for_room:
            room_s = max(until - time.monotonic(), PAUSE_S)
            self._recorder.expect_ship(room_s)
            link.wait(room_s)
        else:
            self._recorder.expect_ship(PAUSE_S)
            time.sleep(PAUSE_S)

    # --- answers ----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        link = self._keeper.link
        if link is None:
            return
        try:
            for frame in link.receive():
                self.asking.heard()
                self._answer(*frame)
        except OSError as error:
            if self.said_farewell:
                self._keeper.disconnect()
            else:
                self._keeper.broken(error)
        if self._cargo.unacknowledged:
            self._keeper.check_silence()

    def _answer(self, kind: str, *rest: Any) -> None:
        if kind == tape.ACK:
            self._keeper.acknowledged()
            self._cargo.acknowledged(*rest)
        elif kind == tape.WELCOME:
            self._cargo.begin()
            self._keeper.welcomed(rest[0])
            self.asking.welcomed()
            self._welcomed(rest[0])
        elif kind == tape.ANSWER:
            self.asking.answered(*rest)
        elif kind == tape.CALL:
            self.calls.take(*rest)
        elif kind == tape.NOTE:
            logger.log(rest[0], "%s", rest[1])
        elif kind == tape.FAREWELL:
            self.said_farewell = True
        elif kind == tape.REFUSED:
            self._keeper.refuse(rest[0].get("reason", "it says no reason"))
            self.asking.close("It refuses this bot; the bot's log says why.")
            self._cargo.clear("refused")

    def _welcomed(self, welcome: dict[str, Any]) -> None:
        try:
            self._on_welcome(welcome)
        except Exception:
            guard.failed("ship.on_welcome")
