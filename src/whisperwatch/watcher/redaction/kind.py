"""What a sort of secret is: words that a text must have before it is looked at, how it looks, what stands in its place.

A search for a word costs nanoseconds, a regular expression microseconds, and most texts have none of the words. No
expression may take more than a bounded number of steps for each character, whatever the text: repetitions that could
overlap are possessive or bounded. `tests/watcher/redaction` holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from re import Match, Pattern

Replace = Callable[[Match[str]], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of secret.

    Attributes:
        name: what stands in its place, as `[redacted:name]`.
        words: a text without any of them has no such secret; with none of its own every text is looked at.
        pattern: finds it, and what may look like it.
        replace: from what was found to what stands there instead.
        folded: the words are looked for in the text's lower case.
        behind: what must follow one of the words, where a word alone says little.
    """

    name: str
    words: tuple[str, ...]
    pattern: Pattern[str]
    replace: Replace
    folded: bool = False
    behind: Pattern[str] | None = None

    def may_be_in(self, text: str) -> bool:
        """Whether it is worth a closer look; `text` is in lower case where the kind is `folded`."""
        behind = self.behind
        for word in self.words:
            if word in text:
                if behind is None:
                    return True
                at = text.find(word)
                while at >= 0:
                    at += len(word)
                    if behind.match(text, at):
                        return True
                    at = text.find(word, at)
        return not self.words


def kind(
    name: str,
    words: str,
    pattern: str,
    replace: Replace | None = None,
    *,
    fold: bool = False,
    behind: str = "",
) -> Kind:
    """A kind, its pattern in the verbose form, its words with spaces between. `fold`: upper and lower case are one."""
    gone = mark(name)
    compiled = re.compile(pattern, re.VERBOSE | (re.IGNORECASE if fold else 0))
    follows = re.compile(behind) if behind else None
    return Kind(name, tuple(words.split()), compiled, replace or (lambda _: gone), fold, follows)


def mark(name: str) -> str:
    """What stands where something was."""
    return f"[redacted:{name}]"
