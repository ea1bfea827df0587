"""Reports of a bot that runs: asked with a prefix, by slash and in a terminal, they tell what its users did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from whisperwatch.cli import main
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.questions import slash_payload

from .conftest import told


async def test_every_way(
    run: Callable[..., Any],
    ask: Callable[..., Any],
    make_bot: Any,
    server: LoopbackDiscord,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.core.application.register(server.guild("home").id, slash_payload())
    async with run(make_bot()):
        for _ in range(3):
            await ask("ada", "!ping")
        await told("performance", "Answers: 3")
        by_prefix = await ask("owner", "!performance")
        interaction = await server.user("owner").slash(
            "watch performance", None, view="component", name="discord"
        )
        await server.reply_to(interaction, timeout=15)
        wrong = await ask("owner", "!watch performance componet")
        unclear = await ask("owner", "!cache --period soon")
        empty = await ask("owner", "!memory status")
        statuses = [
            await asyncio.to_thread(main, words)
            for words in (
                ["performance", "--period", "2h", "history"],
                ["engagement"],
                ["cache", "--period", "x"],
            )
        ]
    (embed,) = by_prefix.embeds
    assert embed["title"].endswith(" Performance, last hour")  # green or yellow, as fast as this machine is
    assert "\nAnswers: 3, 0.05 a minute\nFailed: 0, 0 % of them" in embed["description"]
    assert [field["name"] for field in embed["fields"]] == ["By component", "Slowest commands"]
    assert embed["fields"][1]["value"].startswith("ping: P95 ")
    (slash,) = interaction.replies
    assert slash.ephemeral
    assert slash.embeds[0]["title"] == "Performance of Discord, last hour"
    assert "did you mean component?" in wrong.embeds[0]["description"]
    assert "is no period" in unclear.embeds[0]["description"]
    assert empty.embeds[0]["description"] == "Nothing was retrieved or stored in this time."
    printed = capsys.readouterr()
    assert statuses == [0, 0, 1]
    assert "Performance, last 2 hours\n" in printed.out
    assert "Engagement, last 24 hours\n" in printed.out
    assert "'x' is no period" in printed.err


async def test_nobody_else_is_answered(
    run: Callable[..., Any], ask: Callable[..., Any], make_bot: Any
) -> None:
    async with run(bot := make_bot()):
        answer = await ask("ada", "!performance")
    assert answer.content == 'error: Command "performance" is not found'
    assert bot.errors == [("CommandNotFound", 'Command "performance" is not found')]
