"""Ends the demo's children and removes its directory when the demo has died without doing so; see `home`.

Run as a script, isolated and without site-packages, so that it stays as small as a Python process can be:
`python -I -S reaper.py DIRECTORY`, with `+pid` and `-pid` lines on its standard input.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

_PATIENCE_S = 2.0


def main(directory: str, lines: Iterable[str]) -> None:
    """Follow the lines to their end, which is the demo's end, then clean up."""
    kept: set[int] = set()
    for line in lines:
        if line.startswith("+"):
            kept.add(int(line[1:]))
        else:
            kept.discard(int(line[1:]))
    if kept:
        _signal(kept, signal.SIGTERM)
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end and any(map(_alive, kept)):
            time.sleep(0.05)
        _signal(kept, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def _signal(groups: Iterable[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
