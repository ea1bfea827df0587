"""The health report as it is read: on a phone, and in a terminal."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from whisperwatch.watcher.answers import Answers, embeds, terminal
from whisperwatch.watcher.answers.health import Health, Item, page
from whisperwatch.watcher.health.report import Check, Report

AT = 1_700_000_000.0
BLOCKED = "The event loop has been blocked for 3.2 s at cogs/ai.py:42 Ai.think."
REPORT = Report(
    (
        Check("bot process", "healthy", "The bot's process runs.", AT - 7200, 0),
        Check("event loop", "degraded", BLOCKED, AT - 3, 0),
        Check("gateway", "healthy", "2 shards connected and ready.", AT - 7000, 0),
        Check("telemetry export", "healthy", "Telemetry reaches the collector.", AT - 90000),
    ),
    AT,
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


async def look() -> dict[str, Any]:
    return REPORT.as_json()


async def test_brief() -> None:
    answer = await Answers(look).answer("health", {})
    (embed,) = answer["embeds"]
    assert (answer["status"], answer["error"]) == ("degraded", None)
    assert shown(embed) == textwrap.dedent(
        """\
        ⚠️ The bot is degraded
        1 of 4 checks is not well.
        Well: Bot process, Gateway, Telemetry export.
        [⚠️ Event loop]
        The event loop has been blocked for 3.2 s at cogs/ai.py:42 Ai.think.
        Degraded since <t:1699999997:R>"""
    )


async def test_detailed_in_a_terminal() -> None:
    answer = await Answers(look).answer("health", {"view": "detailed"})
    assert answer["text"].rpartition("\n\n")[0] == textwrap.dedent(
        """\
        ⚠️ The bot is degraded
        1 of 4 checks is not well.

        ✅ Bot process
           The bot's process runs.
           Healthy since 20:13:20 (2 h ago)

        ⚠️ Event loop
           The event loop has been blocked for 3.2 s at cogs/ai.py:42 Ai.think.
           Degraded since 22:13:17 (3 s ago)

        ✅ Gateway
           2 shards connected and ready.
           Healthy since 20:16:40 (2 h ago)

        ✅ Telemetry export
           Telemetry reaches the collector.
           Healthy since 2023-11-13 21:13:20"""
    )


COMPONENTS: dict[str, Any] = {
    "status": "degraded",
    "at": "2023-11-14T22:13:20Z",
    "checks": [
        {"check": "event loop", "status": "healthy", "text": "It turns.", "process": 0},
        {"check": "event loop", "status": "unhealthy", "text": "It doesn't.", "process": 1},
        {"check": "gateway", "status": "healthy", "text": "1 shard connected and ready.", "process": 0},
    ],
    "components": [
        {"component": "llm", "status": "unknown", "reason": "It has not been called yet."},
        {
            "component": "database",
            "status": "degraded",
            "reason": "PostgreSQL suspect: doesn't answer within 2 s.",
            "since": "2023-11-14T22:13:17Z",
            "parts": [
                {"part": "PostgreSQL", "status": "suspect", "text": "doesn't answer within 2 s"},
                {"part": "queries:", "status": "healthy", "text": "0 of 9 failed", "numbers": {"calls": 9}},
            ],
        },
        {"component": "cache", "status": "not_configured", "reason": "No Redis was seen."},
        {"component": "discord", "status": "healthy", "reason": "Gateway: 1 shard."},
    ],
}


def test_components_take_the_place_of_the_checks_that_they_cover() -> None:
    brief = page(Health.from_json(COMPONENTS))
    assert [section.title for section in brief.sections] == ["Event loop, process 1", "Databases"]
    assert brief.lines == (
        "2 of 5 checks are not well.",
        "Well: Event loop, Discord.",
        "Not known: LLM.",
        "Not configured: Cache.",
    )


def test_components_in_detail_have_what_they_were_judged_by() -> None:
    full = page(Health.from_json(COMPONENTS), detailed=True)
    statuses = [section.status for section in full.sections]
    assert statuses == ["healthy", "unhealthy", "unknown", "degraded", "not_configured", "healthy"]
    assert full.sections[3].lines[:-1] == (
        "❔ PostgreSQL doesn't answer within 2 s.",
        "Queries: 0 of 9 failed.",
    )
    assert full.sections[4].lines[-1] == "Not configured."


async def test_health_that_is_off_says_by_what() -> None:
    async def tell() -> dict[str, Any]:
        return {"off": "Off by HEALTH_CHECK_ENABLED=false."}

    answer = await Answers(tell).answer("health", {})
    assert answer["text"].startswith("⬜ Health is off\nOff by HEALTH_CHECK_ENABLED=false.")


def test_the_text_moves_no_cursor() -> None:
    items = (Item("llm", "unhealthy", "it said \x1b[2J\x9b1m\r and left"),)
    text = terminal.text(page(Health("unhealthy", AT, items)))
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\r" not in text


async def test_a_question_that_nobody_knows() -> None:
    answer = await Answers(look).answer("fortune", {})
    assert answer["error"].startswith("This watcher does not know the question 'fortune'")


def shown(embed: dict[str, Any]) -> str:
    """An embed as a phone shows it, a line for each line."""
    lines = [embed["title"], embed["description"]]
    for field in embed["fields"]:
        lines += [f"[{field['name']}]", field["value"]]
    return "\n".join(lines)


def test_a_phone_shows_no_wide_line() -> None:
    for detailed in (False, True):
        (embed,) = embeds.embeds(page(Health.from_json(REPORT.as_json()), detailed=detailed))
        assert max(map(len, shown(embed).split("\n"))) <= 80
