"""What the bot's own code sets reaches its watcher: one that it starts, one in a thread, and one that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bot, until

SET = "launch.code.update({!r})"


def value(state: Path, name: str) -> dict[str, Any]:
    told = json.loads((state / "settings.json").read_text())
    return next(row for row in told["settings"] if row["name"] == name)


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_it_wins_over_the_environment_from_the_start(bots: Any, state: Path, mode: str) -> None:
    bot: Bot = bots(WHISPERWATCH_LIVE_AFTER="40", WHISPERWATCH_WATCHER=mode)
    bot.do(
        SET.format({"WHISPERWATCH_LIVE_AFTER": "50s", "HEALTH_CHECK_ENABLED": False, "HEALTH_CHECK_PROT": 1})
    )
    welcome = bot.sail(mode=mode)
    assert welcome["url"] is None
    assert any("HEALTH_CHECK_PROT" in problem for problem in welcome["problems"])
    assert (
        value(state, "WHISPERWATCH_LIVE_AFTER")["shown"],
        value(state, "WHISPERWATCH_LIVE_AFTER")["from"],
    ) == (
        "50s",
        "code",
    )


def test_one_that_runs_gets_it_by_the_hello(bots: Any, state: Path) -> None:
    first: Bot = bots()
    pid = first.sail()["pid"]
    assert value(state, "HEALTH_CHECK_INTERVAL")["from"] == "default"
    second: Bot = bots()
    second.do(SET.format({"HEALTH_CHECK_INTERVAL": "7s"}))
    assert second.sail()["pid"] == pid
    until(lambda: value(state, "HEALTH_CHECK_INTERVAL")["from"] == "code")
