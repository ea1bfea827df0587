"""The worker: draws charts in a process of its own, `python -m whisperwatch.watcher.answers.charts.worker`.

Charts come on stdin, pictures go to stdout; at the end of stdin it ends. It gives way to everybody, most of all to the
bot. What Python can tell of a failure goes back as a refusal; the watcher sees a process that hangs or is dead.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import BinaryIO, Final

from whisperwatch.watcher.answers.charts.chart import Chart, unpacked
from whisperwatch.watcher.answers.charts.fonts import ours_alone
from whisperwatch.watcher.answers.charts.frames import HEAD, PICTURE, REFUSAL, frame

_NICENESS: Final = 10
_LONGEST_S: Final = 120
"""A chart that takes longer ends the worker, also where the watcher that would have killed it is gone."""
_LONGEST_REASON: Final = 300


def main() -> None:
    """Draw until stdin ends."""
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    charts, pictures = sys.stdin.buffer, _alone(1)
    with suppress(Exception):  # while the chart is still made; what is wrong is told when it is there
        _draw()
    while head := charts.read(HEAD.size):
        _, length = HEAD.unpack(head)
        pictures.write(_drawn(charts.read(length)))
        pictures.flush()
        gc.collect()  # a figure is a cycle that holds five megabytes of pixels


def _alone(descriptor: int) -> BinaryIO:
    """That file, which nobody else in this process writes to any more: a library's print would harm the frames."""
    own = os.dup(descriptor)
    os.dup2(2, descriptor)
    return os.fdopen(own, "wb")


def _drawn(data: bytes) -> bytes:
    """The frame that answers a chart."""
    signal.alarm(_LONGEST_S)
    try:
        return frame(PICTURE, _draw()(unpacked(data)))
    except Exception as error:  # whatever it is, the next chart is drawn
        return frame(REFUSAL, f"{type(error).__name__}: {error}"[:_LONGEST_REASON].encode())
    finally:
        signal.alarm(0)


@cache
def _draw() -> Callable[[Chart], bytes]:
    with ours_alone():
        from whisperwatch.watcher.answers.charts.drawing import draw
    return draw


if __name__ == "__main__":
    main()
