"""What is asked on the tape: always answered, by a task of its own, and never more than so much at once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from whisperwatch import tape
from whisperwatch.watcher import asked
from whisperwatch.watcher.asked import Asked
from whisperwatch.watcher.records import LocalStream

OWN = LocalStream({})


class Connection:
    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def send(self, frame: tuple[Any, ...]) -> None:
        tape.pack(frame)
        self.sent.append(frame)

    async def until(self, answers: int) -> list[tuple[Any, ...]]:
        async with asyncio.timeout(5):
            while len(self.sent) < answers:  # noqa: ASYNC110 - a stand-in has no events
                await asyncio.sleep(0)
        return self.sent


@pytest.fixture
def connection() -> Any:
    return Connection()


async def test_answers_go_back_under_their_numbers(connection: Any) -> None:
    gate = asyncio.Event()

    async def answer(question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if question == "slow":
            await gate.wait()
        return {"text": question, **arguments}

    desk = Asked(answer, OWN)
    desk.take(connection, [1, "slow", {}])
    desk.take(connection, [2, "quick", {"a": 1}])
    assert await connection.until(1) == [(tape.ANSWER, 2, {"text": "quick", "a": 1})]
    gate.set()
    assert (await connection.until(2))[1] == (tape.ANSWER, 1, {"text": "slow"})


async def test_too_much_at_once_is_refused(connection: Any) -> None:
    async def never(question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    desk = Asked(never, OWN)
    for number in range(asked.MOST + 1):
        desk.take(connection, [number, "health", {}])
    ((_, number, answer),) = connection.sent
    assert number == asked.MOST
    assert answer["error"] == "Too much is asked at once: ask again later."
    await desk.close()


async def test_a_failure_and_a_delay_are_answers(
    connection: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(asked, "_LONGEST_S", 0.01)

    async def answer(question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if question == "slow":
            await asyncio.Event().wait()
        raise RuntimeError("secret")

    desk = Asked(answer, OWN)
    with caplog.at_level(logging.CRITICAL):
        desk.take(connection, [1, "slow", {}])
        desk.take(connection, [2, "broken", {}])
        sent = await connection.until(2)
    errors = {number: answer["error"] for _, number, answer in sent}
    assert errors == {
        1: "The watcher could not answer in time.",
        2: "The watcher failed to answer; its log says why.",
    }


@pytest.mark.parametrize("wrong", [[], ["1", "health", {}], [1, "health"], [1, "health", []]])
def test_what_is_no_question_is_no_tape(connection: Any, wrong: list[Any]) -> None:
    with pytest.raises(tape.TapeError):
        Asked(asked.no_answer, OWN).take(connection, wrong)
