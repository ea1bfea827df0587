"""Words for the synthetic users."""

from __future__ import annotations

import random

NAMES = (
    "ada", "grace", "linus", "mary", "alan", "edith", "kurt", "emmy", "niels", "rosa", "hedy", "carl",
    "marie", "max", "lise", "paul", "vera", "otto", "ida", "leo", "nora", "hugo", "anna", "finn",
)  # fmt: skip
TOPICS = (
    "the lighthouse", "my sourdough", "the night shift", "a letter from Oslo", "the broken bicycle", "my sister",
    "the piano lessons", "a dream of whales", "the garden", "my thesis", "the old cinema", "a job interview",
)  # fmt: skip
_OPENINGS = (
    "how was {}?", "I keep thinking of {}", "do you remember {}?", "let's talk about {}", "today it was all {}",
    "I'm worried about {}", "guess what happened with {}", "tell me something about {}",
)  # fmt: skip
CHATTER = (
    "lol",
    "good morning all",
    "anyone up for chess?",
    "brb",
    "did you see that?",
    "same here",
    "nice one",
)
TYPOS = ("!pnig", "!rol 2d6", "!nots", "!help", "!dayly", "!oracel why")


def sentence(dice: random.Random) -> str:
    """Something to say to a companion."""
    text = dice.choice(_OPENINGS).format(dice.choice(TOPICS))
    return f"{text} {dice.choice(('', 'really', 'honestly', 'again'))}".rstrip()
