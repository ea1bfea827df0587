"""Reads what faulthandler wrote in the bot's process while nothing else there could run (see `bot.ship.watchdog`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

Frame = tuple[str, int, str]
"""(file, line, function)"""

MOST_FRAMES: Final = 12
_MOST_BYTES: Final = 256 * 1024
_THREAD: Final = re.compile(r"^(?:Current t|T)hread 0x([0-9a-f]+).*:$")
_FRAME: Final = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
_WAITING: Final = ("selectors.py", "threading.py", "queue.py")


def read(pid: int, descriptor: int, thread: int | None) -> tuple[Frame, ...] | None:
    """The frames, innermost last, of the thread that a dump in the bot's file tells most of; None without a dump.

    Args:
        pid: the bot's process.
        descriptor: its file descriptor that faulthandler writes to.
        thread: the ident of its event loop's thread.
    """
    try:
        with Path(f"/proc/{pid}/fd/{descriptor}").open(encoding="ascii", errors="backslashreplace") as file:
            return parse(file.read(_MOST_BYTES), thread)
    except OSError:
        return None


def parse(dump: str, thread: int | None) -> tuple[Frame, ...] | None:
    """The same, from the dump's text. The loop's thread, unless that just waits: then another holds the GIL."""
    threads = _threads(dump)
    if thread is not None and (frames := threads.get(thread)) and not _waits(frames):
        return frames
    others = (frames for frames in threads.values() if frames and not _waits(frames))
    return next(others, None)


def _threads(dump: str) -> dict[int, tuple[Frame, ...]]:
    threads: dict[int, list[Frame]] = {}
    frames: list[Frame] = []
    for line in dump.splitlines():
        if found := _THREAD.match(line):
            frames = threads[int(found[1], 16)] = []
        elif found := _FRAME.match(line):
            frames.append((found[1], int(found[2]), found[3]))
    return {ident: tuple(reversed(found[:MOST_FRAMES])) for ident, found in threads.items()}


def _waits(frames: tuple[Frame, ...]) -> bool:
    file = frames[-1][0]
    return file.endswith(_WAITING) or "whisperwatch" in file
