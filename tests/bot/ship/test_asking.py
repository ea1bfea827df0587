"""Questions on the bot's side: each is answered once, by the watcher or by what is known of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from whisperwatch import tape
from whisperwatch.bot.ship import asking
from whisperwatch.bot.ship.asking import Asking


@pytest.fixture
def desk() -> Asking:
    return Asking(lambda: None)


async def asked(desk: Asking, times: int = 1) -> list[asyncio.Task[dict[str, Any]]]:
    tasks = [asyncio.create_task(desk.ask("health", {"n": n})) for n in range(times)]
    await asyncio.sleep(0)
    return tasks


def sent(desk: Asking) -> list[tuple[Any, ...]]:
    return [frame for packed in desk.frames() for frame in tape.Incoming().feed(packed)]


async def test_an_answer_finds_who_asked(desk: Asking) -> None:
    first, second = await asked(desk, 2)
    frames = sent(desk)
    assert frames == [(tape.ASK, 1, "health", {"n": 0}), (tape.ASK, 2, "health", {"n": 1})]
    assert sent(desk) == []
    desk.answered(2, {"text": "two"})
    desk.answered(1, {"text": "one"})
    desk.answered(1, {"text": "again"})
    assert (await first, await second) == ({"text": "one"}, {"text": "two"})
    assert not desk.waiting


async def test_who_has_an_answer_waits_no_more_though_it_has_not_run_yet(desk: Asking) -> None:
    (task,) = await asked(desk)
    sent(desk)
    desk.answered(1, {"text": "one"})
    assert not desk.waiting  # the ship would wait for an answer that has come
    assert await task == {"text": "one"}


async def test_the_ship_is_woken(desk: Asking) -> None:
    woken: list[bool] = []
    desk = Asking(lambda: woken.append(desk.waiting))
    await asked(desk)
    assert woken == [True]


async def test_what_was_sent_dies_with_the_watcher_and_the_rest_waits_for_the_next(desk: Asking) -> None:
    desk.welcomed()
    (first,) = await asked(desk)
    sent(desk)
    (second,) = await asked(desk)
    desk.disconnected()
    answer = await first
    assert answer["error"] == "It ended while it was asked."
    assert answer["silent_since"] == pytest.approx(time.time(), abs=5)
    assert [frame[1] for frame in sent(desk)] == [2]
    desk.answered(2, {"text": "back"})
    assert await second == {"text": "back"}


async def test_silence_has_a_beginning(desk: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.01)
    desk.welcomed()
    answers = [await desk.ask("health", {}), await desk.ask("health", {})]
    assert answers[0]["error"] == "It is there, but says nothing."
    assert answers[0]["silent_since"] == answers[1]["silent_since"] is not None
    assert sent(desk) == [], "who has given up asks no more"


async def test_one_that_is_silent_is_not_waited_for(desk: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SILENCE_S", 0.01)
    assert (await desk.ask("health", {}))["error"].startswith("It is not there, and is being started")
    desk.welcomed()
    assert (await desk.ask("health", {}))["error"] == "It is there, but says nothing."


async def test_one_that_is_at_work_is_waited_for(desk: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """It acknowledges what it hears meanwhile."""
    monkeypatch.setattr(asking, "SILENCE_S", 0.05)
    (task,) = await asked(desk)
    begun = time.monotonic()
    while time.monotonic() - begun < 0.2:
        desk.heard()
        await asyncio.sleep(0)
    desk.answered(1, {"text": "at last"})
    assert await task == {"text": "at last"}


async def test_so_much_at_once_and_no_more(desk: Asking) -> None:
    tasks = await asked(desk, asking.MOST + 1)
    assert (await tasks[-1])["error"] == "Too much is asked at once: ask again later."
    desk.close("The bot is ending.")
    assert {(await task)["error"] for task in tasks[:-1]} == {"The bot is ending."}
    assert (await desk.ask("health", {}))["error"] == "The bot is ending."
