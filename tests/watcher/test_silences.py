from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from whisperwatch.watcher import silences
from whisperwatch.watcher.instances import Place
from whisperwatch.watcher.records import Stream
from whisperwatch.watcher.silences import Silences
from whisperwatch.watcher.source import Source
from whisperwatch.watcher.spyglass import UnreadableError

FRAME = {"filename": "/app/bot.py", "line": 7, "name": "hold"}
DUMP = json.dumps([{"thread_id": 1, "owns_gil": True, "frames": [FRAME]}]).encode()
HOLDER = (("/app/bot.py", 7, "hold"),)


def silent(pid: int = 4242, *, alive: bool = True, stopped: bool = False, **hello: Any) -> Source:
    process: Any = SimpleNamespace(pid=pid, alive=alive, stopped=stopped)
    source = Source(process, Place("c0ffee", 0, 0), {"read_stacks": True} | hello, Stream({}))
    source.beat = {"thread": 1}
    source.beat_received_ns = time.monotonic_ns() - 5_000_000_000
    return source


class Looking:
    """Answers as told, at once or when it may, and keeps who was looked into."""

    def __init__(self, answer: bytes | Exception = DUMP) -> None:
        self.answer = answer
        self.seen: list[int] = []
        self.at_once = 0
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, pid: int) -> bytes:
        self.seen.append(pid)
        self.at_once += 1
        assert self.at_once == 1, "one after the other"
        await self.may.wait()
        self.at_once -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@asynccontextmanager
async def followed(look: Looking, *sources: Source) -> AsyncIterator[None]:
    task = asyncio.create_task(Silences(lambda: sources, look).run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what changes it tells nobody
            await asyncio.sleep(0.01)


async def test_what_keeps_a_silent_process_is_known_until_it_is_heard() -> None:
    source, look = silent(), Looking()
    async with followed(look, source):
        await until(lambda: source.holder)
    assert (source.holder, source.unreadable) == (HOLDER, None)
    source.hear({"thread": 1})
    assert source.holder is None


async def test_one_that_speaks_is_left_alone_until_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    source, look = silent(), Looking()
    source.hear({"thread": 1})
    began = time.monotonic()
    async with followed(look, source):
        await until(lambda: source.holder)
    assert time.monotonic() - began > silences.AFTER_S
    assert time.monotonic() - began < silences.AFTER_S + 0.5
    assert look.seen == [4242]


@pytest.mark.parametrize(
    "source",
    [
        silent(stopped=True),
        silent(alive=False),
        silent(os.getpid()),
        silent(read_stacks=False),
        silent(read_stacks=None),
    ],
    ids=["stopped", "gone", "the watcher itself", "not allowed", "not asked"],
)
async def test_who_is_never_looked_into(source: Source) -> None:
    source.connected, look = True, Looking()
    async with followed(look, source):
        await asyncio.sleep(0.3)
    assert look.seen == []


async def test_one_that_hung_up_is_not() -> None:
    source, look = silent(), Looking()
    source.connected = False
    async with followed(look, source):
        await asyncio.sleep(0.3)
    assert look.seen == []


async def test_what_was_found_of_one_that_was_heard_meanwhile_is_nothing() -> None:
    source, look = silent(), Looking()
    look.may.clear()
    async with followed(look, source):
        await until(lambda: look.seen)
        source.hear({"thread": 1})
        look.may.set()
        await asyncio.sleep(0.1)
        assert source.holder is None


async def test_all_are_looked_into_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silences, "_EVERY_S", 0.3)
    sources, look = [silent(1000001), silent(1000002)], Looking()
    async with followed(look, *sources):
        await asyncio.sleep(0.75)
    assert look.seen == [1000001, 1000002] * 3


async def test_why_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silences, "_EVERY_S", 0.05)
    source, look = silent(), Looking(UnreadableError("py-spy is not installed"))
    async with followed(look, source):
        await until(lambda: source.unreadable)
        assert (source.holder, source.unreadable) == (None, "py-spy is not installed")
        look.answer = b"rubbish"
        await until(lambda: source.unreadable == "py-spy's answer can't be understood")
        look.answer = DUMP
        await until(lambda: source.holder)
        assert source.unreadable is None
        look.answer = UnreadableError("py-spy failed")
        await until(lambda: source.unreadable)
        assert source.holder == HOLDER, "what was read of this silence stays"


async def test_a_fault_of_ours_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(silences, "_EVERY_S", 0.05)
    source, look = silent(), Looking(RuntimeError("ours"))
    async with followed(look, source):
        await until(lambda: len(look.seen) > 1)
    assert "could not be looked into" in caplog.text
