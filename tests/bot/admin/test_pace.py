"""Who asks too often waits; a stranger's try is a security event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.bot.admin import pace
from whisperwatch.bot.admin.buttons import PREFIX, Buttons
from whisperwatch.bot.admin.desk import desk
from whisperwatch.bot.admin.pace import Pace
from whisperwatch.demo.loopback import LoopbackDiscord

from .conftest import told, until

Run = Callable[..., Any]
Ask = Callable[..., Any]


def test_a_handful_and_then_one_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    one = Pace(at_once=3, every_s=2.0)
    assert [one.wait_s(1) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    assert one.wait_s(2) == 0.0, "another user has a bucket of their own"
    now += 2.0
    assert [one.wait_s(1), one.wait_s(1)] == [0.0, 2.0]
    now += 60.0
    assert [one.wait_s(1) for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]


def test_old_users_are_forgotten() -> None:
    one = Pace(1, 60.0)
    for user in range(1500):
        assert one.wait_s(user) == 0.0
    assert one.wait_s(1499) > 0
    assert one.wait_s(0) == 0.0


async def test_too_fast(run: Run, ask: Ask, make_bot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "_pace", Pace(1, 600.0))
    async with run(make_bot()):
        await ask("owner", "!health")
        answer = await ask("owner", "!health")
    assert answer.embeds[0]["title"] == "❔ Not so fast"
    assert "Ask again <t:" in answer.embeds[0]["description"]


async def test_a_strangers_try_is_recorded(run: Run, make_bot: Any, server: LoopbackDiscord) -> None:
    bot = make_bot()
    async with run(bot):
        await server.user("ada").say("!health")
        await until(lambda: bot.errors)
        await told("logs", "admin.command: denied")
        answer = await desk.ask("logs", {})
    assert str(server.user("ada").id) not in answer["text"]
    assert bot.errors == [("CommandNotFound", 'Command "health" is not found')]


class TestButtons:
    async def test_hold_the_whole_question(self) -> None:
        asked = {"label": "▶", "question": "logs", "arguments": {"lines": 80, "page": 2}}
        view = Buttons().view([asked], 123456789012345678)
        assert view is not None
        assert view.is_finished(), "discord.py is not to listen to it"
        (button,) = view.children
        pressed = Buttons().pressed(button.custom_id)  # type: ignore[attr-defined]
        assert pressed is not None
        assert (pressed.asker, pressed.question) == (123456789012345678, "logs")
        assert pressed.arguments == {"lines": 80, "page": 2}

    async def test_one_that_is_too_long_is_remembered_until_the_restart(self) -> None:
        buttons = Buttons()
        asked = {"label": "▶", "question": "logs", "arguments": {"text": "ä" * 100}}
        view = buttons.view([asked], 1)
        assert view is not None
        (button,) = view.children
        custom_id = button.custom_id  # type: ignore[attr-defined]
        assert len(custom_id) <= 100
        assert buttons.pressed(custom_id) is not None
        assert Buttons().pressed(custom_id) is None

    @pytest.mark.parametrize(
        "rest", ["", "0", "0{}", '0["1","nothing",{}]', '0["!","logs",{}]', '0["1","logs",1]']
    )
    def test_what_is_no_button_has_expired(self, rest: str) -> None:
        assert Buttons().pressed(PREFIX + rest) is None
