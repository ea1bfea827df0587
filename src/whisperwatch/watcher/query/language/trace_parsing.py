"""Questions about traces, from their words."""

from __future__ import annotations

from typing import Any, Final

from whisperwatch.watcher.query.language.clauses import clauses
from whisperwatch.watcher.query.language.literals import equal, match, seconds, trace_id, values
from whisperwatch.watcher.query.language.measures import Match
from whisperwatch.watcher.query.language.traces import TraceQuestion, TraceSearch
from whisperwatch.watcher.query.language.words import Words

_MOST: Final = 20


def trace(words: Words) -> TraceQuestion:
    """After `trace`."""
    found = TraceQuestion(trace_id(words))
    words.end("a trace is asked for by its id alone")
    return found


def traces(words: Words) -> TraceSearch:
    """After `traces`."""
    said: dict[str, Any] = {}
    where: list[Match] = []
    if words.skip("where"):
        _condition(words, said, where)
        while words.skip("and"):
            _condition(words, said, where)
    told = clauses(words, "over", "until", "slowest", "limit")
    return TraceSearch(
        told.period, **said, where=tuple(where), most=told.limit or _MOST, slowest=told.slowest
    )


def _condition(words: Words, said: dict[str, Any], where: list[Match]) -> None:
    if words.skip("not", "error"):
        said["error"] = False
    elif words.skip("error"):
        said["error"] = True
    elif words.skip("root"):
        said["roots"] = values(words) if words.skip("in") else (equal(words),)
    elif words.skip("instance"):
        said["instance"] = equal(words)
    elif words.skip("duration"):
        longer = words.skip(">") or words.skip(">=")
        if not longer and not (words.skip("<") or words.skip("<=")):
            raise words.wrong(">, >=, < or <= should stand here")
        said["longer_s" if longer else "shorter_s"] = seconds(words)
    else:
        where.append(match(words))
