"""Waits for a picture no longer than somebody waits for an answer; the worker goes on, and is warm for the next.

A worker that was killed as soon as nobody waits would never get through its start where the machine is that busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.charts.process import ChartError

Draw = Callable[[Chart, float], Awaitable[bytes]]
"""From a chart, and for how many seconds somebody waits for it, to a PNG."""
TOO_LONG: Final = "The chart took too long to draw. Ask again: the next is quicker."


class Patience:
    """Draws as `draw` does, and is waited for as long as is said."""

    def __init__(self, draw: Callable[[Chart], Awaitable[bytes]]) -> None:
        self._draw = draw
        self._drawing: list[asyncio.Future[bytes]] = []

    async def __call__(self, chart: Chart, wait_s: float) -> bytes:
        """The chart as a PNG.

        Raises:
            ChartError: it can't be drawn, or not in time.
        """
        drawing = asyncio.ensure_future(self._draw(chart))
        self._drawing.append(drawing)
        drawing.add_done_callback(self._done)
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.shield(drawing)
        except TimeoutError:
            if drawing in self._drawing[1:]:  # it hasn't begun, and nobody wants it any more
                drawing.cancel()
            raise ChartError(TOO_LONG) from None

    def _done(self, drawing: asyncio.Future[bytes]) -> None:
        self._drawing.remove(drawing)
        if not drawing.cancelled():
            drawing.exception()  # whoever waited was told; nobody is any more
