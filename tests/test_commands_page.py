"""docs/commands.md says what is so."""

from __future__ import annotations

from pathlib import Path

from whisperwatch.questions import QUESTIONS
from whisperwatch.watcher.answers import embeds
from whisperwatch.watcher.answers.health import Health, page
from whisperwatch.watcher.answers.page import SYMBOLS

PAGE = (Path(__file__).parent.parent / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_question_is_on_the_page() -> None:
    for question in QUESTIONS:
        for way in (f"`!{question.name}`", f"`/watch {question.name}`", f"`whisperwatch {question.name}`"):
            assert way in PAGE


def test_the_gallery_is_true() -> None:
    shown = PAGE.partition("```text\n")[2].partition("```")[0]
    report = {
        "status": "degraded",
        "at": "2023-11-14T22:13:20Z",
        "checks": [
            {"check": "bot process", "status": "healthy", "text": "The bot's process runs."},
            {
                "check": "event loop",
                "status": "degraded",
                "text": "The event loop has been blocked for 3.2 s at cogs/ai.py:42 Ai.think.",
                "since": "2023-11-14T22:13:17Z",
            },
            {"check": "gateway", "status": "healthy", "text": "1 shard connected and ready."},
            {"check": "telemetry export", "status": "healthy", "text": "Telemetry reaches the collector."},
        ],
    }
    (embed,) = embeds.embeds(page(Health.from_json(report)))
    (field,) = embed["fields"]
    lines = [embed["title"], embed["description"], f"[{field['name']}]", field["value"]]
    assert shown == "\n".join(lines) + "\n"


def test_every_symbol_is_explained() -> None:
    assert all(symbol in PAGE for symbol in SYMBOLS.values())
