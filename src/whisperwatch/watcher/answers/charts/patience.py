"""Waits for a picture no longer than somebody waits for an answer; the worker goes on, and is warm for the next.

A worker that was killed as soon as nobody waits would never get through its start where the machine is that busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.charts.process import ChartError

Draw = Callable[[Chart], Awaitable[bytes]]
TOO_LONG: Final = "The chart took too long to draw. Ask again: the next is quicker."
_PATIENCE_S: Final = 5.0
"""The text is there in a moment: a picture that takes longer is left out."""


class Patience:
    """Draws as `draw` does, for at most `wait_s` seconds."""

    def __init__(self, draw: Draw, wait_s: float = _PATIENCE_S) -> None:
        self._draw, self._wait_s = draw, wait_s
        self._drawing: list[asyncio.Future[bytes]] = []

    async def __call__(self, chart: Chart) -> bytes:
        """The chart as a PNG.

        Raises:
            ChartError: it can't be drawn, or not in time.
        """
        drawing = asyncio.ensure_future(self._draw(chart))
        self._drawing.append(drawing)
        drawing.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._wait_s):
                return await asyncio.shield(drawing)
        except TimeoutError:
            if drawing in self._drawing[1:]:  # it hasn't begun, and nobody wants it any more
                drawing.cancel()
            raise ChartError(TOO_LONG) from None

    def _done(self, drawing: asyncio.Future[bytes]) -> None:
        self._drawing.remove(drawing)
        if not drawing.cancelled():
            drawing.exception()  # whoever waited was told; nobody is any more
