"""The table of questions: what is typed becomes arguments, and the slash command is one that Discord takes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from whisperwatch.questions import (
    BY_NAME,
    QUESTIONS,
    Option,
    Question,
    WrongWordsError,
    arguments,
    names,
    slash_payload,
)

LOGS = Question(
    "logs",
    "The newest lines",
    (
        Option("component", "whose", required=True),
        Option("lines", "how many", kind="whole", flag=True),
        Option("text", "what is looked for", kind="rest"),
    ),
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dashboard", {"component": "dashboard"}),
        ("dashboard --lines 50", {"component": "dashboard", "lines": 50}),
        ("--lines 5 llm timed out", {"component": "llm", "lines": 5, "text": "timed out"}),
        ("llm timed out --lines 5", {"component": "llm", "lines": 5, "text": "timed out"}),
    ],
)
def test_words_become_arguments(words: str, expected: dict[str, Any]) -> None:
    assert arguments(LOGS, words.split()) == expected


@pytest.mark.parametrize(
    ("question", "words", "message"),
    [
        (LOGS, "", "logs needs component. It is: logs component [--lines LINES] [text]"),
        (LOGS, "llm --lines", "logs takes a whole number for lines. It is: "),
        (LOGS, "llm --lines -3", "logs takes a whole number for lines. It is: "),
        (BY_NAME["health"], "all", "health doesn't know 'all'. For view there is: detailed"),
        (
            BY_NAME["health"],
            "detailled",
            "health doesn't know 'detailled' (did you mean detailed?). For view there is: ",
        ),
        (
            BY_NAME["performance"],
            "component lm",
            "performance doesn't know 'lm' (did you mean llm?). For name there is: llm, database, ",
        ),
        (BY_NAME["health"], "detailed twice", "health has no use for 'twice'. It is: health [detailed]"),
    ],
)
def test_wrong_words_are_told_what_is_right(question: Question, words: str, message: str) -> None:
    with pytest.raises(WrongWordsError) as wrong:
        arguments(question, words.split())
    assert str(wrong.value).startswith(message)


def test_the_guides_spellings() -> None:
    words = ["history", "--period", "24h"]
    assert arguments(BY_NAME["performance"], words) == {"view": "history", "period": "24h"}
    assert arguments(BY_NAME["performance"], words[1:] + words[:1]) == {"view": "history", "period": "24h"}
    assert arguments(BY_NAME["memory"], ["status"]) == {"view": "status"}


def test_choices_are_read_in_any_case() -> None:
    assert arguments(BY_NAME["health"], ["DETAILED"]) == {"view": "detailed"}


def test_every_question_is_one_that_discord_takes() -> None:
    payload = slash_payload()
    assert len(payload["options"]) == len(QUESTIONS) <= 25
    assert len(set(names())) == len(QUESTIONS) + 2
    for described in [payload, *payload["options"], *(o for q in payload["options"] for o in q["options"])]:
        assert re.fullmatch(r"[a-z0-9_-]{1,32}", described["name"])
        assert 1 <= len(described["description"]) <= 100
        assert len(described.get("options", ())) <= 25
        assert len(described.get("choices", ())) <= 25
