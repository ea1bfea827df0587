"""Work that is shared by those who wait."""

from __future__ import annotations

import asyncio

import pytest

from whisperwatch.watcher.query.shared import Shared


class Work:
    def __init__(self) -> None:
        self.many, self.cancelled = 0, False
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> int:
        self.many += 1
        try:
            return await self.done
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def begun(*waiting: asyncio.Task[int]) -> None:
    for _ in range(2):
        await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)


async def test_all_have_what_is_done_once() -> None:
    work = Work()
    shared = Shared(work())
    waiting = [asyncio.ensure_future(shared.wait()) for _ in range(3)]
    await begun(*waiting)
    work.done.set_result(7)
    assert await asyncio.gather(*waiting) == [7, 7, 7]
    assert (await shared.wait(), work.many, shared.good) == (7, 1, True)


async def test_a_failure_is_everybodys() -> None:
    work = Work()
    shared = Shared(work())
    waiting = [asyncio.ensure_future(shared.wait()) for _ in range(2)]
    await begun(*waiting)
    assert shared.good
    work.done.set_exception(ValueError("no"))
    assert [str(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == ["no", "no"]
    assert not shared.good


async def test_it_goes_on_while_anybody_waits() -> None:
    work = Work()
    shared = Shared(work())
    first, second = waiting = [asyncio.ensure_future(shared.wait()) for _ in range(2)]
    await begun(*waiting)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await begun(second)
    assert (shared.good, work.cancelled) == (True, False)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not shared.good  # from the moment on at which nobody waits
    await asyncio.sleep(0)
    assert work.cancelled
