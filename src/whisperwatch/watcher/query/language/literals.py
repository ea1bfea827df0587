"""What stands in a question for itself: numbers, durations, times, names and values, each read from the words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.measures import Match
from whisperwatch.watcher.query.language.words import Words
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest
from whisperwatch.watcher.settings.values import duration

MOST: Final = 10_000
"""What `limit` and `top` take at most."""
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
LONGEST_S: Final = 10 * 366 * 86_400
_VALUE: Final = ("name", "text")


def value(words: Words, what: str = "a value") -> str:
    """A name, or a quoted text."""
    return words.take(what, _VALUE).value


def values(words: Words) -> tuple[str, ...]:
    """Values in parentheses, with commas between."""
    words.expect("(")
    found = [value(words)]
    while words.skip(","):
        found.append(value(words))
    words.expect(")")
    return tuple(found)


def names(words: Words) -> tuple[str, ...]:
    """Names with commas between."""
    found = [words.take("the name of an attribute").value]
    while words.skip(","):
        found.append(words.take("the name of an attribute").value)
    return tuple(found)


def equal(words: Words) -> str:
    """The value after `=`."""
    words.expect("=")
    return value(words)


def match(words: Words) -> Match:
    """`attribute = value`, `!= value`, `in (…)` or `not in (…)`."""
    attribute = words.take("the name of an attribute").value
    if words.skip("="):
        return Match(attribute, (value(words),))
    if words.skip("!="):
        return Match(attribute, (value(words),), True)
    negated = words.skip("not")
    if not words.skip("in"):
        raise words.wrong("=, !=, in or not in should stand here")
    return Match(attribute, values(words), negated)


def known(what: str, name: str, all_of_them: Iterable[str]) -> str:
    """A name that there is.

    Raises:
        QuestionError: there is none of it.
    """
    there = list(all_of_them)
    if name not in there:
        near = did_you_mean(nearest(name, there))
        raise QuestionError(f"there is no {what} {name!r}{near}; there are {', '.join(there)}")
    return name


def trace_id(words: Words) -> str:
    """A trace's id, in lower case."""
    place, given = _placed(words, "a trace id")
    found = given.lower()
    if not _TRACE_ID.fullmatch(found):
        raise QuestionError(f"at word {place}: a trace id has 32 hexadecimal digits, {given[:40]!r} has not")
    return found


def number(words: Words, what: str) -> int:
    """A number from 1 to `MOST`."""
    place, given = _placed(words, "a number")
    if not given.isdecimal() or not 1 <= int(given) <= MOST:
        raise QuestionError(f"at word {place}: {what} takes a number from 1 to {MOST:,}, not {given!r}")
    return int(given)


def seconds(words: Words) -> float:
    """A duration."""
    place, given = _placed(words, "a duration such as 1h30m")
    found = _duration(given)
    if found is None:
        raise QuestionError(f"at word {place}: {given!r} is no duration such as 90s, 5m, 1h30m or 7d")
    if not 0 < found <= LONGEST_S:
        raise QuestionError(f"at word {place}: a duration is more than nothing, and ten years at most")
    return found


def is_duration(words: Words) -> bool:
    """Whether one comes next."""
    following = words.next
    return following is not None and following.kind == "name" and _duration(following.value) is not None


def moment(words: Words) -> float:
    """A time, as unix seconds; without a zone it is UTC's."""
    place, given = _placed(words, "a time such as 2026-11-24T12:00Z")
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise QuestionError(f"at word {place}: {given!r} is no time such as 2026-11-24T12:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _placed(words: Words, what: str) -> tuple[int, str]:
    word = words.take(what, _VALUE)
    return word.place, word.value


def _duration(text: str) -> float | None:
    try:
        return duration(text) if text[:1].isdigit() and not text[-1:].isdigit() else None
    except ValueError:
        return None
