from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from whisperwatch import semconv as names
from whisperwatch.watcher.host import Figures
from whisperwatch.watcher.records import LocalStream


@dataclass
class Watched:
    pid: int = field(default_factory=os.getpid)
    connected: bool = True
    restarts: int = 0
    stream: LocalStream = field(default_factory=lambda: LocalStream({"service.instance.id": "bot"}, 3))


async def streams(figures: Figures, number: int) -> None:
    """Wait until there are so many."""
    while len(figures.streams) != number:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.005)


@pytest.fixture
def sources() -> list[Watched]:
    return [Watched(restarts=4)]


@pytest.fixture
def figures(stream: LocalStream, sources: list[Watched], tmp_path: Path) -> Figures:
    return Figures(stream, lambda: sources, [tmp_path])


def test_a_process_has_the_resource_of_its_bot(figures: Figures, stream: LocalStream, reader: Any) -> None:
    figures.collect()
    machine, process = figures.streams
    assert machine is stream
    assert (process.resource, process.slot) == ({"service.instance.id": "bot"}, 3)
    assert reader(process)(names.RESTARTS) == 4
    assert all(name.startswith("system.") for name in reader(machine).names)


def test_everything_that_is_declared_is_read(figures: Figures, reader: Any) -> None:
    figures.collect()
    figures.collect()
    declared = {
        m.name for m in names.METRICS if m.room == "watcher" and m.name.startswith(("process.", "bot."))
    }
    missing = declared - reader(figures.streams[1]).names
    # the first needs leave to read, the second some time between two readings; others read the rest
    assert missing <= {
        names.PROCESS_DISK_IO.name, names.PROCESS_CPU_UTILIZATION.name, names.USERS_ACTIVE.name,
        names.USERS_BEFORE.name, names.USERS_RETURNED.name, names.CACHE_EVICTIONS.name,
        names.LLM_BUDGET_TOKENS.name, names.LLM_BUDGET_COST.name,
    }  # fmt: skip


def test_a_process_that_left_has_no_stream(figures: Figures, sources: list[Watched]) -> None:
    figures.collect()
    sources[0].connected = False
    figures.collect()
    assert len(figures.streams) == 1


def test_each_process_has_its_own(figures: Figures, sources: list[Watched], reader: Any) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as child:
        sources.append(Watched(pid=child.pid))
        figures.collect()
        _, mine, childs = figures.streams
        assert reader(mine)(names.PROCESS_CPU, "user") != reader(childs)(names.PROCESS_CPU, "user")
        child.communicate(b"\n")


async def test_a_process_that_comes_is_read_soon(figures: Figures, sources: list[Watched]) -> None:
    late = sources.pop()
    running = asyncio.create_task(figures.run(3600))
    try:
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
            assert len(figures.streams) == 1
            sources.append(late)
            figures.hurry()
            await streams(figures, 2)
    finally:
        running.cancel()


async def test_a_failed_reading_does_not_end_it(
    stream: LocalStream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks = 0

    def sources() -> list[Watched]:
        nonlocal looks
        looks += 1
        return [Watched(pid=-1, stream=None)] if looks < 3 else [Watched()]  # type: ignore[arg-type]

    figures = Figures(stream, sources, [tmp_path])
    running = asyncio.create_task(figures.run(0.001))
    try:
        async with asyncio.timeout(10):
            await streams(figures, 2)
    finally:
        running.cancel()
    assert "could not be read" in caplog.text


def test_a_reading_is_cheap(figures: Figures) -> None:
    figures.collect()
    costs = []
    for _ in range(20):
        began = time.thread_time()
        figures.collect()
        costs.append(time.thread_time() - began)
    assert min(costs) < 0.003
