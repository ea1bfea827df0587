"""Who waits too long for a picture is told so, and the drawing goes on for the next."""

from __future__ import annotations

import asyncio

import pytest

from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.charts.patience import Patience
from whisperwatch.watcher.answers.charts.process import ChartError

from .samples import forecast, history


async def test_in_time() -> None:
    async def draw(chart: Chart) -> bytes:
        return chart.title.encode()

    assert await Patience(draw)(history(), 60) == b"Performance, last 24 hours"


async def test_one_that_fails() -> None:
    async def draw(_: Chart) -> bytes:
        raise ChartError("No chart: it is broken.")

    with pytest.raises(ChartError, match="it is broken"):
        await Patience(draw)(history(), 60)


@pytest.mark.parametrize("fails", [False, True])
async def test_too_late(fails: bool) -> None:
    go_on, drawn = asyncio.Event(), []

    async def draw(chart: Chart) -> bytes:
        await go_on.wait()
        drawn.append(chart)
        if fails:
            raise ChartError("No chart: nobody hears this.")
        return b""

    patience = Patience(draw)
    for chart in (history(), forecast()):
        with pytest.raises(ChartError, match="took too long"):
            await patience(chart, 0.01)
    drawing = list(patience._drawing)
    go_on.set()
    await asyncio.wait(drawing)
    assert drawn == [history()]  # what waited behind it is called off
    assert not patience._drawing
