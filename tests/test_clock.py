"""This machine's clock beside that of a Discord, whose answers carry the time."""

from __future__ import annotations

import asyncio
import os

import pytest

from whisperwatch import clock
from whisperwatch.demo.loopback import LoopbackDiscord, pointing


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("ahead", [0.0, 90.0, -90.0])
async def test_it_is_compared(ahead: float) -> None:
    async with LoopbackDiscord() as server:
        with pointing(server):
            told = await asyncio.to_thread(clock.offset_s)
    assert clock.finding(told) is None
    finding = clock.finding(told + ahead)
    assert (finding is None) == (ahead == 0)
    if finding:
        assert (" ahead of " in finding) == (ahead > 0)


def test_no_discord() -> None:
    with pointing(1), pytest.raises(clock.UnreadableClockError, match="could not be read"):
        clock.offset_s()
