"""What is read of a message straight is what is found where it is looked for."""

from __future__ import annotations

from types import SimpleNamespace as Thing
from typing import Any

import discord
import pytest

from whisperwatch.bot.masking.subject import names_of, words_of


class LikeAMessage(discord.Message):
    """One whose class isn't known, so that everything is looked for."""


MEMBER = Thing(name="ada", global_name="Ada L.", nick="The Countess")
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "in a guild": (
        {"author": MEMBER, "guild": Thing(name="Society"), "channel": Thing(name="hidden-room")},
        ["ada", "Ada L.", "The Countess", "Society", "hidden-room"],
    ),
    "in private": (
        {"author": Thing(name="bob", global_name=None), "guild": None, "channel": Thing(recipient=None)},
        ["bob"],
    ),
    "who mentions and answers": (
        {
            "author": Thing(name="bob", global_name=None),
            "guild": None,
            "channel": Thing(recipient=None),
            "mentions": [MEMBER],
            "reference": Thing(resolved=Thing(author=Thing(name="eve", global_name="Eve"))),
        },
        ["bob", "ada", "Ada L.", "The Countess", "eve", "Eve"],
    ),
    "of a guild that isn't known": (
        {
            "author": Thing(name="bob", global_name=None),
            "guild": discord.Object(1),
            "channel": discord.Object(2),
        },
        ["bob"],
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [discord.Message, LikeAMessage])
def test_the_same_names_are_found(case: str, kind: type[discord.Message]) -> None:
    attributes, names = CASES[case]
    assert names_of(_message(kind, **attributes)) == names


@pytest.mark.parametrize("kind", [discord.Message, LikeAMessage])
@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (None, ["!note this"]),
        (Thing(resolved=None), ["!note this"]),
        (Thing(resolved=Thing(content="what I had said")), ["!note this", "what I had said"]),
    ],
)
def test_the_same_words_are_found(kind: type[discord.Message], reference: Any, words: list[str]) -> None:
    assert words_of(_message(kind, content="!note this", reference=reference)) == words


def _message(kind: type[discord.Message], **attributes: Any) -> discord.Message:
    message = kind.__new__(kind)
    for name, value in {"mentions": [], "reference": None, **attributes}.items():
        setattr(message, name, value)
    return message
