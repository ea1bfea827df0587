"""What the watcher calls for is done on the bot's loop, and each call is answered once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from whisperwatch import tape
from whisperwatch.bot import guard
from whisperwatch.bot.ship import calls
from whisperwatch.bot.ship.calls import Calls


async def add(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"sum": arguments["a"] + arguments["b"]}


async def fail(arguments: dict[str, Any]) -> dict[str, Any]:
    raise KeyError("a secret")


async def wait(arguments: dict[str, Any]) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


CALLEES = {"add": add, "fail": fail, "wait": wait}


def results(some: Calls) -> list[tuple[Any, ...]]:
    return [frame for packed in some.frames() for frame in tape.Incoming().feed(packed)]


async def turned() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def some() -> Calls:
    loop = asyncio.get_running_loop()
    return Calls(CALLEES, lambda: loop, lambda: None)


async def test_each_is_answered_by_its_number(some: Calls) -> None:
    some.take(1, "add", {"a": 1, "b": 2})
    some.take(2, "add", {"a": 3, "b": 4})
    assert results(some) == [], "the loop has not turned yet"
    await turned()
    assert some.ended
    assert results(some) == [(tape.RESULT, 1, {"sum": 3}), (tape.RESULT, 2, {"sum": 7})]
    assert not some.ended


async def test_what_nobody_can_do(some: Calls) -> None:
    some.take(1, "fly", {})
    ((_, _, told),) = results(some)
    assert told == {"error": "This process of the bot has no 'fly'."}


async def test_a_failure_is_told_by_its_type_alone(some: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[str] = []
    monkeypatch.setattr(guard, "failed", failed.append)
    some.take(1, "fail", {})
    await turned()
    ((_, _, told),) = results(some)
    assert told == {"error": "It failed in the bot's process (KeyError)."}
    assert failed == ["call"]


async def test_so_many_at_once_and_no_more(some: Calls) -> None:
    for number in range(calls.MOST + 1):
        some.take(number, "wait", {})
    ((_, number, told),) = results(some)
    assert number == calls.MOST
    assert told["error"].startswith("Too much is called for at once")


async def test_who_called_is_gone(some: Calls) -> None:
    some.take(1, "add", {"a": 1, "b": 2})
    some.disconnected()
    await turned()
    assert results(some) == []
    some.take(1, "add", {"a": 2, "b": 2})
    await turned()
    assert results(some) == [(tape.RESULT, 1, {"sum": 4})]


def test_without_a_loop() -> None:
    closed = asyncio.new_event_loop()
    closed.close()
    for loop in (None, closed):
        some = Calls(CALLEES, lambda loop=loop: loop, lambda: None)  # type: ignore[misc]
        some.take(1, "add", {})
        assert results(some) == [(tape.RESULT, 1, {"error": "No event loop runs in the bot's process."})]
