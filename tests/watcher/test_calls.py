"""What the watcher calls for on a bot's tape, and what comes back, or doesn't."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from whisperwatch import tape
from whisperwatch.watcher.calls import Calls


class Wire:
    """Takes the frames."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def send(self, frame: tuple[Any, ...]) -> None:
        self.sent.append(frame)


def sources(*pids: int) -> dict[Any, Any]:
    class Source(SimpleNamespace):
        __hash__ = object.__hash__

    return {Source(pid=pid): Wire() for pid in pids}


async def test_each_result_finds_its_call() -> None:
    connections = sources(1, 2)
    calls = Calls(connections)
    asked = asyncio.create_task(calls.call_all("set", {"name": "X"}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    frames = [wire.sent[0] for wire in connections.values()]
    assert frames == [(tape.CALL, 1, "set", {"name": "X"}), (tape.CALL, 2, "set", {"name": "X"})]
    calls.returned((2, {"value": "two"}))
    calls.returned((1, {"value": "one"}))
    calls.returned((1, {"value": "again"}))
    assert [(source.pid, told) for source, told in await asked] == [
        (1, {"value": "one"}),
        (2, {"value": "two"}),
    ]


async def test_one_that_says_nothing_or_ends() -> None:
    connections = sources(1)
    (source,) = connections
    calls = Calls(connections)
    assert "within 0.01 s" in (await calls.call(source, "set", {}, 0.01))["error"]
    asked = asyncio.create_task(calls.call(source, "set", {}))
    await asyncio.sleep(0)
    calls.parted(source)
    assert (await asked)["error"] == "process 1 has ended"
    del connections[source]
    assert (await calls.call(source, "set", {}))["error"] == "process 1 is gone"


@pytest.mark.parametrize("result", [(), (1,), ("1", {}), (1, "text")])
def test_no_result(result: Any) -> None:
    with pytest.raises(tape.TapeError, match="no result of a call"):
        Calls({}).returned(result)
