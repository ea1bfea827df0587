"""What follows from who said what to the bot, and where: conversations, users, and what was asked again.

The rules are those that docs/api.md tells the bot's owner, worked out a second time, from what Discord has seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_AGAIN_S = 60
_ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that the bot answered. `text` is "" of an interaction; `at` in seconds, only to be compared."""

    at: float
    user: int
    channel: int
    text: str = ""


def users(turns: Iterable[Turn]) -> int:
    """How many different people were answered."""
    return len({turn.user for turn in turns})


def conversations(turns: Iterable[Turn]) -> int:
    """How many there were: one user in one channel each, for a demo is shorter than their longest pause."""
    return len({(turn.user, turn.channel) for turn in turns})


def asked_again(turns: Iterable[Turn]) -> int:
    """How often somebody asked the same again, in the same channel within a minute."""
    last: dict[tuple[int, int], Turn] = {}
    again = 0
    for turn in sorted(turns, key=lambda turn: turn.at):
        before = last.get((turn.user, turn.channel))
        again += before is not None and turn.at - before.at <= _AGAIN_S and _alike(before.text, turn.text)
        last[turn.user, turn.channel] = turn
    return again


def _alike(one: str, other: str) -> bool:
    """Whether seven of ten words of both are in common; one word is too little to be compared."""
    words, others = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    if min(len(one.split()), len(other.split()), len(words), len(others)) < 2:
        return False
    return len(words & others) >= _ALIKE * len(words | others)
