"""What is misconfigured though it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from whisperwatch.watcher.answers import Answers, check
from whisperwatch.watcher.health.report import Check, Report
from whisperwatch.watcher.records import Stream

ALL, NO_CONTENT = (1 << 22) - 1, ((1 << 22) - 1) & ~check.MESSAGE_CONTENT


@dataclass
class Process:
    """One process of a bot."""

    beat: dict[str, Any] | None = None
    hello: dict[str, Any] = field(default_factory=dict)
    stream: Stream = field(default_factory=lambda: Stream({}))


def bot(intents: int, prefix: bool) -> dict[str, Any]:
    return {"bots": [{"name": "luna", "intents": intents, "prefix": prefix}]}


@pytest.mark.parametrize(
    ("beat", "found"),
    [
        (None, 0),
        (bot(ALL, True), 0),
        (bot(NO_CONTENT, False), 0),
        (bot(NO_CONTENT, True), 1),
        ({"bots": [{"name": "older"}]}, 0),
    ],
)
def test_message_content(beat: dict[str, Any] | None, found: int) -> None:
    told = list(check.findings([Process(beat), Process(beat)]))
    assert len(told) == found
    assert all(text.startswith("luna has prefix commands, but not the intent") for text in told)


@pytest.mark.parametrize(("code", "found"), [("4014", 1), ("4004", 0)])
def test_an_intent_that_discord_refuses(code: str, found: int) -> None:
    process = Process()
    definitions = [
        ("scope", 1, "s", None, None, None),
        ("instrument", 1, 1, "discord.gateway.disconnects", "counter", "{disconnect}", "", None),
        ("cell", 1, 1, {"discord.gateway.close_code": code}, 0),
    ]
    process.stream.take(("batch", 1, 0, definitions, [], [(1, 1)], None))
    assert len(list(check.findings([process]))) == found


def test_libraries_that_are_not_watched() -> None:
    told = list(check.findings([Process(hello={"unsupported": ["openai 9.0 is newer than is known"]})]))
    assert told == ["Not watched: openai 9.0 is newer than is known"]


async def test_the_page() -> None:
    async def look() -> dict[str, Any]:
        return Report((Check("gateway", "healthy", "1 shard connected and ready.", 1.0),), 2.0).as_json()

    fine = await Answers(look).answer("check", {})
    assert (fine["status"], fine["error"]) == ("healthy", None)
    assert "✅ Nothing is found to be misconfigured" in fine["text"]
    odd = await Answers(look, lambda: [Process(bot(NO_CONTENT, True))]).answer("check", {})
    assert "⚠️ Misconfigured\n   luna has prefix commands" in odd["text"]
