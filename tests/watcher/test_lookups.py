from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from whisperwatch.watcher import lookups

PATIENCE_S = 10.0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names that begin with `hangs` are looked up until the test is over; how often, by name."""
    release, asked = threading.Event(), dict[str, int]()
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        asked[host] = asked.get(host, 0) + 1
        if str(host).startswith("hangs"):
            release.wait(PATIENCE_S)
            raise socket.gaierror(socket.EAI_AGAIN, "at last")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield asked
    release.set()


def run(work: Any) -> float:
    """Seconds that the whole took, the loop's end included."""
    began = time.monotonic()
    with asyncio.Runner(loop_factory=lookups.Loop) as runner:
        runner.run(work)
    return time.monotonic() - began


def test_one_that_hangs_delays_no_other_and_not_the_end(hanging: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        stuck = [asyncio.create_task(loop.getaddrinfo(f"hangs{n}.invalid", 1)) for n in range(10)]
        await asyncio.sleep(0)
        assert await loop.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)
        assert not any(task.done() for task in stuck)

    assert run(work()) < PATIENCE_S / 2


def test_who_asks_for_the_same_waits_for_the_same_and_may_leave(hanging: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(50):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await loop.getaddrinfo("hangs.invalid", 1)

    run(work())
    assert hanging == {"hangs.invalid": 1}


def test_too_many_that_hang_fail_at_once(hanging: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        stuck = [asyncio.create_task(loop.getaddrinfo(f"hangs{n}.invalid", 1)) for n in range(lookups.MOST)]
        await asyncio.sleep(0)
        with pytest.raises(socket.gaierror, match="don't end"):
            await loop.getaddrinfo("localhost", 1)
        assert not any(task.done() for task in stuck)

    assert run(work()) < PATIENCE_S / 2


def test_a_failure_is_told() -> None:
    async def work() -> None:
        with pytest.raises(socket.gaierror):
            await asyncio.get_running_loop().getaddrinfo("nowhere.invalid", 1)
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection("nowhere.invalid", 1)

    run(work())
