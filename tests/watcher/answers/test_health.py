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


async def look() -> Report:
    return REPORT


async def test_brief() -> None:
    answer = await Answers(look).answer("health", {})
    (embed,) = answer["embeds"]
    assert (answer["status"], answer["error"]) == ("degraded", None)
    assert shown(embed) == textwrap.dedent(
        """\
        ⚠️ The bot is degraded
        1 of 4 checks is not well.
        Well: bot process, gateway, telemetry export.
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


def test_components_with_figures_and_statuses_that_are_new() -> None:
    items = (
        Item("databases", "suspect", "PostgreSQL did not answer in 2 s.", AT, {"pool in use": "3 of 10"}),
        Item("cache", "not configured", "No Redis was seen."),
        Item("event loop", "healthy", "It turns.", AT, process=0),
        Item("event loop", "unhealthy", "It doesn't.", AT, process=1),
    )
    brief, full = (page(Health("degraded", AT, items), detailed=detailed) for detailed in (False, True))
    assert [section.title for section in brief.sections] == ["Databases", "Event loop, process 1"]
    assert brief.lines[1:] == ("Well: event loop.", "Not configured: cache.")
    assert "pool in use: 3 of 10" in full.sections[0].lines
    assert [section.status for section in full.sections] == [item.status for item in items]


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
