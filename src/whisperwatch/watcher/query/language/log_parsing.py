"""Questions about logs, from their words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

from whisperwatch.semconv import COMPONENTS
from whisperwatch.watcher.query.language.clauses import clauses
from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.literals import equal, known, names, trace_id, value, values
from whisperwatch.watcher.query.language.logs import LEVELS, LogCount, LogFilter, LogKey, LogQuestion
from whisperwatch.watcher.query.language.words import Words
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest

_MOST: Final = 50


def logs(words: Words) -> LogQuestion:
    """After `logs`."""
    filter = _filter(words) if words.skip("where") else LogFilter()
    said = clauses(words, "over", "until", "limit")
    return LogQuestion(said.period, filter, said.limit or _MOST)


def count(words: Words) -> LogCount:
    """After `count logs`."""
    filter = _filter(words) if words.skip("where") else LogFilter()
    by = tuple(map(_key, names(words))) if words.skip("by") else ()
    return LogCount(clauses(words, "over", "every", "window", "until").period, filter, by)


def _key(name: str) -> LogKey:
    keys: tuple[LogKey, ...] = get_args(LogKey)
    for key in keys:
        if key == name:
            return key
    near = did_you_mean(nearest(name, keys))
    raise QuestionError(f"logs can't be counted by {name!r}{near}; they can by {', '.join(keys)}")


def _filter(words: Words) -> LogFilter:
    said: dict[str, Any] = {}
    while True:
        word = words.take("a condition such as level >= warning")
        if word.value not in _CONDITIONS:
            near = did_you_mean(nearest(word.value, _CONDITIONS))
            there = ", ".join(_CONDITIONS)
            raise QuestionError(f"at word {word.place}: logs have no {word.value!r}{near}; there are {there}")
        name, take = _CONDITIONS[word.value]
        if name in said:
            raise QuestionError(f"at word {word.place}: {word.value} is said twice")
        said[name] = take(words)
        if not words.skip("and"):
            return LogFilter(**said)


def _level(words: Words) -> str:
    words.expect(">=")
    return known("level", value(words, "a level"), LEVELS)


def _components(words: Words) -> tuple[str, ...]:
    said = values(words) if words.skip("in") else (equal(words),)
    return tuple(known("component", name, COMPONENTS) for name in said)


def _text(words: Words) -> str:
    words.expect("contains")
    return value(words, "a text")


def _trace(words: Words) -> str:
    words.expect("=")
    return trace_id(words)


_CONDITIONS: Final[dict[str, tuple[str, Callable[[Words], Any]]]] = {
    "level": ("level", _level),
    "component": ("components", _components),
    "logger": ("logger", equal),
    "text": ("text", _text),
    "trace": ("trace_id", _trace),
    "instance": ("instance", equal),
    "event": ("event", equal),
}
"""By its word, the field of the filter, and what reads it."""
