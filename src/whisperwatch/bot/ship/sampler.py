"""Notices that the bot's loop doesn't turn, and says where its thread is."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final, Protocol

from whisperwatch.bot import guard

logger = logging.getLogger("whisperwatch")

Frame = tuple[str, int, str]
"""(file, line, function)"""
Frames = tuple[Frame, ...]
OnBlocked = Callable[[Frames, float], None]
"""Told, once an episode and then at its end, where the loop is blocked and for how many seconds so far."""

MOST_FRAMES: Final = 12
_LONG_S: Final = 5.0
"""An episode that lasts is logged while it lasts; others when they are over, with their true length."""
_LIBRARIES: Final = tuple(
    os.path.join(path, "") for name, path in sysconfig.get_paths().items() if name in ("stdlib", "platstdlib")
)
_PACKAGES: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Pulse(Protocol):
    """The bot's loop as its own timer sees it. The numbers are 0 while no loop is watched."""

    last_turn_ns: int
    thread_id: int

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None: ...


class Sampler:
    """Looks at the loop's thread while the loop is blocked. Called by the ship's thread.

    Args:
        pulse: the loop's.
        blocked_after_s: a loop that hasn't turned for longer is blocked.
        on_blocked: see `OnBlocked`.
    """

    def __init__(
        self, pulse: Pulse | None, blocked_after_s: float, on_blocked: OnBlocked | None = None
    ) -> None:
        self._pulse = pulse
        self.blocked_after_s = blocked_after_s
        self._on_blocked = on_blocked
        self._episode = 0
        """`last_turn_ns` of the episode that is under way; 0 is none."""
        self._frames: Frames = ()
        self._said = False

    @property
    def thread_id(self) -> int | None:
        """The loop's thread; None where no loop is watched."""
        return self._pulse.thread_id if self._pulse is not None else None

    def look(self) -> tuple[int, Frames | None] | None:
        """What the BEAT calls `loop`."""
        pulse = self._pulse
        if pulse is None or not pulse.last_turn_ns:
            return None
        turned = pulse.last_turn_ns
        if self._episode and turned != self._episode:
            self._over(turned)
        blocked_s = (time.monotonic_ns() - turned) / 1e9
        if blocked_s < self.blocked_after_s:
            return turned, None
        frames = frames_of(pulse.thread_id)
        if pulse.last_turn_ns != turned:  # it went on while we looked
            return pulse.last_turn_ns, None
        self._frames = frames or self._frames
        if not self._episode:
            self._episode, self._said = turned, False
            self._tell(blocked_s)
        return turned, self._frames

    def blocked_in_s(self) -> float:
        """In how many seconds the loop will be blocked, should it not turn again; 0 or less while it is."""
        if self._episode:
            return 0.0
        turned = self._pulse.last_turn_ns if self._pulse is not None else 0
        if not turned:
            return math.inf
        return self.blocked_after_s - (time.monotonic_ns() - turned) / 1e9

    def speak(self) -> None:
        """Log an episode that lasts. Apart from `look`: a handler may wait for a lock that the blocked thread holds."""
        if self._episode and not self._said and not _is_logging(self._frames):
            blocked_s = (time.monotonic_ns() - self._episode) / 1e9
            if blocked_s >= _LONG_S:
                self._said = True
                logger.warning(
                    "the event loop is blocked, for %.1f s so far, at %s", blocked_s, place(self._frames)
                )

    def _over(self, turned: int) -> None:
        blocked_s = (turned - self._episode) / 1e9
        self._episode = 0
        self._tell(blocked_s)
        if self._said:
            logger.warning("the event loop turns again after %.1f s", blocked_s)
        else:
            logger.warning("the event loop was blocked for %.2f s at %s", blocked_s, place(self._frames))

    def _tell(self, blocked_s: float) -> None:
        if self._on_blocked is not None:
            try:
                self._on_blocked(self._frames, blocked_s)
            except Exception:
                guard.failed("ship.on_blocked")


def frames_of(thread_id: int) -> Frames:
    """The innermost frames of a thread, innermost last: of the bot's own code, or of libraries where it has none."""
    innermost = sys._current_frames().get(thread_id)
    if innermost is None:
        return ()
    frames = list(_walk(innermost))
    del innermost
    own = [frame for frame in frames if not _is_library(frame[0])]
    other = own or [frame for frame in frames if not frame[0].startswith(_LIBRARIES)]
    return tuple(reversed((other or frames)[:MOST_FRAMES]))


def place(frames: Frames) -> str:
    """`file:line in function`, of the innermost frame."""
    if not frames:
        return "an unknown place"
    file, line, function = frames[-1]
    return f"{file}:{line} in {function}"


def _walk(frame: FrameType | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname
        frame = frame.f_back


def _is_library(file: str) -> bool:
    return file.startswith(("<frozen ", *_LIBRARIES)) or any(part in file for part in _PACKAGES)


def _is_logging(frames: Frames) -> bool:
    return any(file == logging.__file__ for file, _, _ in frames)
