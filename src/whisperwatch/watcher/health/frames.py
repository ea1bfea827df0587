"""Which frame of a blocked stack to name: the bot's own code, not the library that it waits in."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence

Frame = tuple[str, int, str]
_LIBRARIES = tuple(
    {os.path.realpath(p) for k, p in sysconfig.get_paths().items() if k.endswith("lib") or k == "stdlib"}
)
_SITE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def place(frames: Sequence[Frame] | None) -> str | None:
    """`file:line function` of the innermost frame of the bot's own code, else of the innermost frame."""
    if not frames:
        return None
    innermost = frames[-1]
    own = next((frame for frame in reversed(frames) if _is_own(frame[0])), innermost)
    named = _name(own)
    return named if own == innermost else f"{named} (in {_name(innermost)})"


def _is_own(file: str) -> bool:
    if file.startswith("<") or any(part in file for part in _SITE):
        return False
    return not os.path.realpath(file).startswith(_LIBRARIES)


def _name(frame: Frame) -> str:
    file, line, function = frame
    here = os.getcwd() + os.sep
    return f"{file.removeprefix(here)}:{line} {function}"
