"""A watcher that is dead, stopped or starting: the bot says so, and goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.bot import voyage
from whisperwatch.bot.ship import asking
from whisperwatch.demo.loopback import LoopbackDiscord

from .conftest import well

Run = Callable[..., Any]
Ask = Callable[..., Any]


def pid() -> int:
    assert voyage._ship is not None
    welcome = voyage._ship.welcome
    assert welcome is not None
    return int(welcome["pid"])


async def test_a_watcher_that_is_killed_is_started_again_and_answers(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord
) -> None:
    async with run(make_bot()):
        killed = pid()
        os.kill(killed, signal.SIGKILL)
        answered = await ask("owner", "!health")
        title = answered.embeds[0]["title"]
        if (
            title == "❌ The monitor does not answer"
        ):  # a busy machine takes longer than the patience for the next
            await well()
            title = (await ask("owner", "!health")).embeds[0]["title"]
        assert title.partition(" ")[2].startswith("The bot is ")
        assert pid() != killed


@pytest.mark.parametrize("way", ["prefix", "slash"])
async def test_a_watcher_that_is_stopped(
    run: Run, ask: Ask, make_bot: Any, server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 0.5)
    from whisperwatch.questions import slash_payload

    server.core.application.register(server.guild("home").id, slash_payload())
    async with run(make_bot()):
        stopped = pid()
        os.kill(stopped, signal.SIGSTOP)
        try:
            if way == "prefix":
                answered = await ask("owner", "!health")
            else:
                answered = await server.reply_to(await server.user("owner").slash("watch health"))
            assert (await ask("owner", "!ping")).content == "pong"
        finally:
            os.kill(stopped, signal.SIGCONT)
        await well()
        assert (await ask("owner", "!health")).embeds[0]["title"] == "✅ The bot is healthy"
    embed = answered.embeds[0]
    assert embed["title"] == "❌ The monitor does not answer"
    assert embed["description"].startswith("Since <t:")
    assert embed["description"].endswith("The bot itself works: this is its answer.")


async def test_a_watcher_that_never_starts(
    watcher: Path, ask: Ask, make_bot: Any, server: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner is known without the watcher's settings."""
    from whisperwatch.bot.ship import access

    def broken(*_: Any) -> Any:
        raise OSError("no processes left")

    monkeypatch.setattr(asking, "PATIENCE_S", 0.5)
    monkeypatch.setattr(access, "ChildWatcher", broken)
    async with server.running(make_bot()):
        embed = (await ask("owner", "!health")).embeds[0]
        assert "is not found" in (await ask("ada", "!health")).content
    assert embed["title"] == "❌ The monitor does not answer"
