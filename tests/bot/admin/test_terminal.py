"""What a terminal is told of a bot that runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest

from whisperwatch.bot import voyage
from whisperwatch.cli import main

Run = Callable[..., Any]


async def test_health(run: Run, make_bot: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with run(make_bot()):
        assert await asyncio.to_thread(main, ["health"]) == 0
        assert capsys.readouterr().out.startswith("✅ The bot is healthy\n")


@pytest.mark.parametrize("command", [["report", "performance", "resources"], ["performance", "resources"]])
async def test_plots(run: Run, make_bot: Any, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    async with run(make_bot()):
        assert await asyncio.to_thread(main, command) == 0
        out = capsys.readouterr().out
        assert await asyncio.to_thread(main, ["report", "performance", "resources", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["cpu"]["unit"] == "1"
    assert "Resources, last hour\n" in out
    _, _, drawn = out.partition("\nMemory of the bot's process\n")
    assert "│" in drawn
    assert "└" in drawn


async def test_check(run: Run, make_bot: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with run(make_bot(intents=discord.Intents.default())):
        assert await asyncio.to_thread(main, ["check"]) == 0
        printed = capsys.readouterr()
    out = printed.out
    assert "What is in force." in out
    assert "⚠️ The bot is degraded" in out
    assert "⚠️ Misconfigured\n   loopback-bot lacks the intent message_content: prefix commands" in out
    assert "samples a day at one in 15 s" in out
    assert "  discord_command_duration_seconds" in out
    assert "clock" not in out
    assert printed.err == ""


async def test_check_of_a_bot_whose_watcher_is_gone(
    run: Run, make_bot: Any, watcher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run(make_bot()):
        assert voyage._ship is not None
        assert voyage._ship.welcome is not None
        os.kill(voyage._ship.welcome["pid"], signal.SIGSTOP)
        try:
            from whisperwatch import ask

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(ask, "_PATIENCE_S", 0.2)
                assert await asyncio.to_thread(main, ["check"]) == 2
        finally:
            os.kill(voyage._ship.welcome["pid"], signal.SIGCONT)
    assert "No watcher answers (looked at " in capsys.readouterr().err
