"""What is misconfigured though it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from whisperwatch.watcher.answers import Answers, check
from whisperwatch.watcher.health.report import Check, Report
from whisperwatch.watcher.records import Stream


@dataclass
class Process:
    """One process of a bot."""

    beat: dict[str, Any] | None = None
    hello: dict[str, Any] = field(default_factory=dict)
    stream: Stream = field(default_factory=lambda: Stream({}))


LACKING = {"bots": [{"name": "luna", "lacks": {"members": "on_member_join is never called"}}]}


@pytest.mark.parametrize(
    ("beat", "found"),
    [
        (None, []),
        ({"bots": [{"name": "luna", "lacks": {}}]}, []),
        ({"bots": [{"name": "older"}]}, []),
        (
            LACKING,
            [
                "luna lacks the intent members: on_member_join is never called. Set intents.members, and switch it on "
                "in Discord's developer portal."
            ],
        ),
    ],
)
def test_intents(beat: dict[str, Any] | None, found: list[str]) -> None:
    assert list(check.findings([Process(beat), Process(beat)])) == found


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
    odd = await Answers(look, lambda: [Process(LACKING)]).answer("check", {})
    assert "⚠️ Misconfigured\n   luna lacks the intent members" in odd["text"]
