"""What an admin may ask the watcher: the questions, how they are called, and the options that they take.

The bot makes its prefix and slash commands of this table, the terminal its arguments, the watcher answers by it. So a
new question is a line here and an answer in `watcher.answers`. This module imports nothing of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

GROUPS: Final = ("watch", "whisperwatch")
"""What our commands are always under: `watch health`; by the second name where the bot has a `watch` of its own."""

SUGGEST: Final = "suggest"
"""What the bot asks the watcher for words to offer, such as the names of settings."""


@dataclass(frozen=True, slots=True)
class Option:
    """What may follow a question's name.

    Attributes:
        choices: the only words that it takes, at most 25; empty: any.
        kind: `rest` takes all the words that are left and no flags, as one text.
        required: the question makes no sense without.
        suggests: words that are offered while it is typed in a slash command: these, or those that the watcher knows
            of the kind `settings`.
        flag: given as `--name value` in a message and in the terminal, never by its place.
    """

    name: str
    help: str
    choices: tuple[str, ...] = ()
    kind: Literal["word", "whole", "rest"] = "word"
    required: bool = False
    flag: bool = False
    suggests: tuple[str, ...] | Literal["settings"] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `name` is the command's and the watcher's; `help` follows it in a list, in 100 characters.

    Attributes:
        private: its answer is for who asks alone: asked in a channel, it goes by direct message, unless that channel is
            an admin channel.
        names: the bot's owner, where nobody else reads the answer, sees names in place of the hashes in it.
    """

    name: str
    help: str
    options: tuple[Option, ...] = ()
    private: bool = False
    names: bool = False

    @property
    def usage(self) -> str:
        """The name and the options, as they are typed: `health [detailed]`."""
        return " ".join([self.name, *map(_typed, self.options)])

    @property
    def words(self) -> tuple[str, ...]:
        """What may follow the name first, and the flags: enough for a list."""
        first = self.options[0]
        offered = first.choices or (first.suggests if isinstance(first.suggests, tuple) else ())
        return (*offered, *(f"--{option.name}" for option in self.options if option.flag))


_PERIOD: Final = Option("period", "how far back, such as 24h or 7d", flag=True)
COMPONENTS: Final = ("llm", "database", "memory", "cache", "discord", "network", "tasks")
"""Whose performance can be asked for."""

QUESTIONS: Final[tuple[Question, ...]] = (
    Question(
        "health",
        "How the bot is, and what is wrong with it",
        (Option("view", "detailed: every component with its figures", ("detailed",)),),
    ),
    Question(
        "performance",
        "How fast the bot answers, how often it fails, what it takes",
        (
            Option(
                "view",
                "what of it; the summary unless said",
                (
                    "summary",
                    "response-times",
                    "history",
                    "component",
                    "resources",
                    "bottlenecks",
                    "capacity-planning",
                    "memory-analysis",
                ),
            ),
            Option("name", "the component that is meant by component", COMPONENTS),
            _PERIOD,
        ),
    ),
    Question("cost", "What language models take: tokens and money, by model and feature", (_PERIOD,)),
    Question(
        "top",
        "The servers and channels with most messages, failures and tokens",
        (_PERIOD,),
        private=True,
        names=True,
    ),
    Question("engagement", "Who talks with the bot, how long, and with which features", (_PERIOD,)),
    Question("cache", "Of how many look-ups the caches had the answer", (_PERIOD,)),
    Question(
        "memory",
        "What the bot's memory does, how fast and how well",
        (Option("view", "status: the same as without", ("status",)), _PERIOD),
    ),
    Question(
        "logs",
        "The newest log records, by component or text, or as a file",
        (
            Option(
                "what",
                "component or search, with what is meant behind it; a component's name; or export",
                suggests=("component", "search", "export", *COMPONENTS),
            ),
            Option("text", "what is searched for, or the component's name", kind="rest"),
            Option(
                "level",
                "this one and what is worse",
                ("debug", "info", "warning", "error", "critical"),
                flag=True,
            ),
            Option("since", "how far back, such as 1h; a day unless said", flag=True),
            Option(
                "lines", "how many, 20 unless said, at most 100; all, if exported", kind="whole", flag=True
            ),
            Option("format", "of an export; json unless said", ("json", "csv", "ndjson"), flag=True),
            Option("output", "an export's file name", flag=True),
        ),
        private=True,
    ),
    Question(
        "trace",
        "One trace as a tree: what a message took, and where",
        (Option("id", "the trace's id, 32 hexadecimal digits", required=True),),
        private=True,
    ),
    Question(
        "config",
        "The settings: what is in force, and changes that last",
        (
            Option(
                "action", "get, set or unset one; monitoring shows all", ("get", "set", "unset", "monitoring")
            ),
            Option("name", "the setting's name, such as HEALTH_CHECK_INTERVAL", suggests="settings"),
            Option("value", "what it is set to", kind="rest"),
        ),
        private=True,
    ),
)
BY_NAME: Final = {question.name: question for question in QUESTIONS}


class WrongWordsError(ValueError):
    """What was typed is no such question; the message tells its writer what would be right."""


def arguments(question: Question, words: Sequence[str]) -> dict[str, Any]:
    """The words behind a question's name, as the arguments that the watcher takes.

    Raises:
        WrongWordsError: they don't fit.
    """
    found: dict[str, Any] = {}
    left = list(words)
    by_place = [option for option in question.options if not option.flag]
    flags = {f"--{option.name}": option for option in question.options if option.flag}
    while left:
        word = left.pop(0)
        if (option := flags.get(word)) is not None:
            _take(question, option, left.pop(0) if left else "", found)
        elif by_place:
            option = by_place[0]
            if option.kind == "rest":
                found[option.name] = f"{found[option.name]} {word}" if option.name in found else word
            else:
                _take(question, by_place.pop(0), word, found)
        else:
            raise _wrong(question, f"has no use for {word!r:.40}")
    for option in question.options:
        if option.required and option.name not in found:
            raise _wrong(question, f"needs {option.name}")
    return found


def names() -> Iterator[str]:
    """Every name that our prefix commands go by, in the bot's own list of commands."""
    yield from GROUPS
    yield from BY_NAME


def _take(question: Question, option: Option, text: str, found: dict[str, Any]) -> None:
    if option.choices and text.lower() not in option.choices:
        near = difflib.get_close_matches(text.lower(), option.choices, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise WrongWordsError(
            f"{question.name} doesn't know {text!r:.40}{meant}. For {option.name} there is: {', '.join(option.choices)}"
        )
    if option.kind == "whole":
        if not text.isdecimal() or len(text) > 9:
            raise _wrong(question, f"takes a whole number for {option.name}")
        found[option.name] = int(text)
    else:
        found[option.name] = text.lower() if option.choices else text


def _wrong(question: Question, why: str) -> WrongWordsError:
    return WrongWordsError(f"{question.name} {why}. It is: {question.usage}")


def _typed(option: Option) -> str:
    """Several choices are called by what they are choices of: a phone has no room for them."""
    text = option.choices[0] if len(option.choices) == 1 else option.name
    if option.flag:
        text = f"--{option.name} {text.upper()}"
    return text if option.required else f"[{text}]"


def slash_payload() -> dict[str, Any]:
    """The one application command that all questions are in, as Discord's API takes it."""
    described = [_slash_question(question) for question in QUESTIONS]
    return {
        "type": 1,
        "name": GROUPS[0],
        "description": "How the bot is, by Whisperwatch; for its admins",
        "options": described,
    }


def _slash_question(question: Question) -> dict[str, Any]:
    options = sorted(question.options, key=lambda option: not option.required)  # Discord wants those first
    return {
        "type": 1,
        "name": question.name,
        "description": question.help,
        "options": [
            {
                "type": 4 if option.kind == "whole" else 3,
                "name": option.name,
                "description": option.help,
                "required": option.required,
                **({"autocomplete": True} if option.suggests else {}),
                **(
                    {"choices": [{"name": word, "value": word} for word in option.choices]}
                    if option.choices
                    else {}
                ),
            }
            for option in options
        ],
    }
