"""A blocked loop, in the trace: marks the root of the work that blocks it.

Called by `ship`'s thread while the loop's thread stands still. That thread's context variables can't be read from
another, but its frames can: the innermost of ours that holds a root is the one whose work blocks.
"""

from __future__ import annotations

import sys

from whisperwatch import semconv
from whisperwatch.bot.instrument.runtime import pulse
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root


def mark_blocked(frames: tuple[tuple[str, int, str], ...], seconds: float) -> None:
    """Put the place, and for how long, on the root whose work blocks the loop; nothing where none does."""
    root, over = _marked.pop("root", None), True
    if recorder.clock.now() - pulse.last_turn_ns >= seconds * 1e9:  # else it turns again, perhaps for another
        if root is not None:
            root.blocked_since = 0  # that one's is over, whoever blocks now
        root, over = _blocking_root(), False
        if root is not None:
            _marked["root"] = root
    if root is None or root.end_ns:
        return
    file, line, function = frames[-1] if frames else ("unknown", 0, "unknown")
    root.touched = True
    own = root.own
    if own is None:  # two steps, with no call between: the loop's thread may do the same
        own = root.own = {}
    own[semconv.LOOP_BLOCKED_AT] = f"{file}:{line} {function}"
    own[semconv.LOOP_BLOCKED_FOR] = round(seconds, 3)
    root.blocked_since = 0 if over else recorder.clock.now() - round(seconds * 1e9)


_marked: dict[str, Root] = {}
"""The root of the episode that is under way: told of again at its end, when its frames are gone."""


def _blocking_root() -> Root | None:
    frame = sys._current_frames().get(pulse.thread_id)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("whisperwatch.bot.instrument"):
            root = frame.f_locals.get("root")
            if isinstance(root, Root) and not root.end_ns:
                return root
        frame = frame.f_back
    return None
