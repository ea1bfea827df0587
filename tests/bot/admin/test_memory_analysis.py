"""Which lines hold memory is traced on request: by a button that says what it costs, in the bot's own process."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.instrument.allocations import Allocations, allocations
from whisperwatch.demo.loopback import LoopbackDiscord

from .conftest import until

Run = Callable[..., Any]
Ask = Callable[..., Any]


async def test_by_its_button(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whisperwatch.bot.instrument.allocations.MOST_S", 1.0)
    held = []
    async with run(make_bot()):
        answer = await ask("owner", "!performance memory-analysis")
        assert not tracemalloc.is_tracing()
        started = await server.user("owner").click(answer, "Trace for 30 s")
        await server.until(lambda: started.updated, 15, "the start")
        assert tracemalloc.is_tracing()
        held.append(bytearray(3 * 2**20))
        await until(lambda: allocations._task is not None and allocations._task.done())
        shown = await server.user("owner").click(answer, "Show what was found")
        await server.until(lambda: shown.updated, 15, "the result")
        told = (await desk.ask("performance", {"view": "memory-analysis", "trace": "show"}))["text"]
    description = answer.embeds[0]["description"]
    assert "are still held" in description
    assert "admin/test\\_memory\\_analysis.py" in description
    assert ": 3.15 MB in " in told, told
    assert not tracemalloc.is_tracing()


async def test_a_bot_that_traces_itself_is_left_alone() -> None:
    tracemalloc.start()
    try:
        assert "itself" in (await Allocations().start({"seconds": 1}))["error"]
    finally:
        tracemalloc.stop()


async def test_one_that_is_under_way_goes_on() -> None:
    one = Allocations()
    first, second = await one.start({"seconds": 60}), await one.start({"seconds": 5})
    assert 59 < second["left_s"] <= first["left_s"] <= 60
    assert one._task is not None
    task = one._task
    task.cancel()
    await until(task.done)
    assert not tracemalloc.is_tracing()
    assert await one.tell({}) == {}
