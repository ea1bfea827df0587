"""Makes sense of the stacks that py-spy read in a bot's process while nothing there could answer (see `spyglass`)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

Frame = tuple[str, int, str]
"""(file, line, function)"""

MOST_FRAMES: Final = 12
_WAITING: Final = ("selectors.py", "threading.py", "queue.py")
_OURS: Final = str(Path(__file__).parents[1]) + os.sep


def parse(dump: bytes, thread: int | None) -> tuple[Frame, ...] | None:
    """The frames, innermost last, of the thread that has the GIL, else of the loop's; of none that just waits.

    None where no thread is the loop's, for then the stacks are another process': pids are a namespace's own.

    Args:
        dump: what `py-spy dump --json` wrote.
        thread: the ident of the thread of the bot's event loop.

    Raises:
        ValueError: it is something else.
    """
    try:
        threads = json.loads(dump)
        stacks = {each["thread_id"]: _frames(each["frames"]) for each in threads}
        owners = [each["thread_id"] for each in threads if each["owns_gil"]]
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no list of threads: {error!r}") from error
    if thread not in stacks:
        return None
    found = (stacks[ident] for ident in (*owners, thread))
    return next((frames for frames in found if frames and not _waits(frames)), None)


def _frames(innermost_first: Sequence[Any]) -> tuple[Frame, ...]:
    innermost = innermost_first[:MOST_FRAMES]
    return tuple(
        (_text(frame["filename"]), int(frame["line"]), _text(frame["name"])) for frame in reversed(innermost)
    )


def _text(value: object) -> str:
    """As health can send it: half a surrogate can't be."""
    return str(value).encode(errors="replace").decode()


def _waits(frames: tuple[Frame, ...]) -> bool:
    file = frames[-1][0]
    return file.endswith(_WAITING) or file.startswith(_OURS)
