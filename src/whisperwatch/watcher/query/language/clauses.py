"""What every question says after its subject: over which time, how often, how many. In any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.literals import is_duration, moment, number, seconds
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.query.language.words import Words

OVER_S: Final = 3600.0


@dataclass(slots=True)
class Clauses:
    """What was said; `limit` is None where nothing was."""

    over: float = OVER_S
    every: float | None = None
    window: float | None = None
    until: float | None = None
    compared: float | None = None
    limit: int | None = None
    slowest: bool = False

    @property
    def period(self) -> Period:
        """The time that is meant."""
        return Period(self.over, self.until, self.every, self.window)


def clauses(words: Words, *allowed: str) -> Clauses:
    """All words that are left.

    Args:
        allowed: the names of the clauses that this question can have.

    Raises:
        QuestionError: one of them is no such clause, or is wrong.
    """
    found = Clauses()
    while (word := words.next) is not None:
        if word.kind != "name" or word.value not in allowed:
            words.end(f"{', '.join(allowed[:-1])} or {allowed[-1]}")
        words.skip(word.value)
        setattr(found, word.value, _said(words, word.value))
    if found.window is not None and found.every is None:
        raise QuestionError("a window needs an every: the distance of the points that each look back so far")
    return found


def _said(words: Words, clause: str) -> Any:
    match clause:
        case "until":
            return moment(words)
        case "limit":
            return number(words, "limit")
        case "slowest":
            return True
        case "compared":
            return seconds(words) if is_duration(words) else 0.0
    return seconds(words)
