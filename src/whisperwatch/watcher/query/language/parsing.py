"""From a question's text to the question: the words are checked here, the names in `checking`.

increase(bot.errors where bot.component = llm) by bot.error.category over 1h
top 5 p95(discord.command.duration) by discord.command.name over 24h every 1h compared
increase(bot.errors) / increase(discord.messages.handled) over 6h
logs where level >= warning and text contains "timed out" over 1h limit 50
count logs where component = llm by level over 6h every 5m
traces where root = message and duration > 2s and error over 1h slowest limit 20
trace 4bf92f3577b34da6a3ce929d0e0e4736
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, get_args

from whisperwatch.semconv import COMPONENTS
from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.logs import (
    LEVELS,
    LogCount,
    LogFilter,
    LogKey,
    LogQuestion,
)
from whisperwatch.watcher.query.language.measures import KINDS, Match, Measure, Ratio, Top
from whisperwatch.watcher.query.language.periods import Period
from whisperwatch.watcher.query.language.questions import MetricQuestion, Question
from whisperwatch.watcher.query.language.traces import TraceQuestion, TraceSearch
from whisperwatch.watcher.query.language.words import Words
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest
from whisperwatch.watcher.settings.values import duration

DEFAULT_OVER_S: Final = 3600.0
MOST: Final = 10_000
_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_FUNCTIONS: Final = (*(name for name in KINDS if name != "quantile"), "p50", "p95", "p99")
_LOG_CONDITIONS: Final = ("level", "component", "logger", "text", "trace", "instance", "event")
_VALUE: Final = ("name", "text")


def parse(text: str) -> Question:
    """The question of a text.

    Raises:
        QuestionError: it is none; the message says at which word, and what could stand there.
    """
    words = Words(text)
    if words.next is None:
        raise QuestionError(
            "a question is empty: begin with a function such as increase(…), or logs, traces, trace"
        )
    if words.skip("logs"):
        return _logs(words)
    if words.skip("count"):
        words.expect("logs")
        return _count(words)
    if words.skip("traces"):
        return _traces(words)
    if words.skip("trace"):
        found = TraceQuestion(_trace_id(words))
        words.end("a trace is asked for by its id alone")
        return found
    return _metric(words)


# metrics


def _metric(words: Words) -> MetricQuestion:
    most = _whole(words, "top") if words.skip("top") else None
    first = _measure(words)
    expression = Ratio(first, _measure(words)) if words.skip("/") else first
    over_s, every_s, window_s, until = DEFAULT_OVER_S, None, None, None
    compared_s: float | None = None
    while words.next is not None:
        if words.skip("over"):
            over_s = _seconds(words)
        elif words.skip("every"):
            every_s = _seconds(words)
        elif words.skip("window"):
            window_s = _seconds(words)
        elif words.skip("until"):
            until = _time(words)
        elif words.skip("compared"):
            compared_s = _seconds(words) if _is_duration(words) else 0.0
        else:
            words.end("over, every, window, until or compared")
    if window_s is not None and every_s is None:
        raise QuestionError("a window needs an every: the distance of the points that each look back so far")
    asked = expression if most is None else Top(most, expression)
    return MetricQuestion(asked, Period(over_s, until, every_s, window_s), compared_s)


def _measure(words: Words) -> Measure:
    word = words.take("a function such as increase")
    quantile = None
    function: Any = word.value
    if match := _QUANTILE.fullmatch(word.value):
        function, quantile = "quantile", round(float(match[1]) / 100, 10)
    elif word.value not in KINDS or word.value == "quantile":
        near = did_you_mean(nearest(word.value, _FUNCTIONS))
        raise QuestionError(
            f"at word {word.place}: there is no function {word.value!r}{near}; there are {', '.join(_FUNCTIONS)} (any "
            "pNN), and logs, count logs, traces, trace"
        )
    words.expect("(")
    metric = words.take("the name of a metric").value
    where = _matches(words) if words.skip("where") else ()
    words.expect(")")
    by = _names(words) if words.skip("by") else ()
    return Measure(function, metric, where, by, quantile)


def _matches(words: Words) -> tuple[Match, ...]:
    found = [_match(words)]
    while words.skip("and"):
        found.append(_match(words))
    return tuple(found)


def _match(words: Words) -> Match:
    attribute = words.take("the name of an attribute").value
    if words.skip("="):
        return Match(attribute, (words.take("a value", _VALUE).value,))
    if words.skip("!="):
        return Match(attribute, (words.take("a value", _VALUE).value,), True)
    negated = words.skip("not")
    if not words.skip("in"):
        raise words.wrong("=, !=, in or not in should stand here")
    return Match(attribute, _list(words), negated)


def _list(words: Words) -> tuple[str, ...]:
    words.expect("(")
    found = [words.take("a value", _VALUE).value]
    while words.skip(","):
        found.append(words.take("a value", _VALUE).value)
    words.expect(")")
    return tuple(found)


def _names(words: Words) -> tuple[str, ...]:
    found = [words.take("the name of an attribute").value]
    while words.skip(","):
        found.append(words.take("the name of an attribute").value)
    return tuple(found)


# logs


def _logs(words: Words) -> LogQuestion:
    filter = _log_filter(words) if words.skip("where") else LogFilter()
    over_s, until, most = DEFAULT_OVER_S, None, LogQuestion(Period(1.0)).most
    while words.next is not None:
        if words.skip("over"):
            over_s = _seconds(words)
        elif words.skip("until"):
            until = _time(words)
        elif words.skip("limit"):
            most = _whole(words, "limit")
        else:
            words.end("where, over, until or limit")
    return LogQuestion(Period(over_s, until), filter, most)


def _count(words: Words) -> LogCount:
    filter = _log_filter(words) if words.skip("where") else LogFilter()
    by = tuple(_log_key(words, name) for name in _names(words)) if words.skip("by") else ()
    over_s, every_s, window_s, until = DEFAULT_OVER_S, None, None, None
    while words.next is not None:
        if words.skip("over"):
            over_s = _seconds(words)
        elif words.skip("every"):
            every_s = _seconds(words)
        elif words.skip("window"):
            window_s = _seconds(words)
        elif words.skip("until"):
            until = _time(words)
        else:
            words.end("where, by, over, every, window or until")
    return LogCount(Period(over_s, until, every_s, window_s), filter, by)


def _log_key(words: Words, name: str) -> LogKey:
    keys: tuple[LogKey, ...] = get_args(LogKey)
    for key in keys:
        if key == name:
            return key
    near = did_you_mean(nearest(name, keys))
    raise QuestionError(f"logs can't be counted by {name!r}{near}; they can by {', '.join(keys)}")


def _log_filter(words: Words) -> LogFilter:
    said: dict[str, Any] = {}
    while True:
        word = words.take("a condition such as level >= warning")
        take = _LOG_CONDITION.get(word.value)
        if take is None:
            near = did_you_mean(nearest(word.value, _LOG_CONDITIONS))
            raise QuestionError(
                f"at word {word.place}: logs have no {word.value!r}{near}; there are {', '.join(_LOG_CONDITIONS)}"
            )
        name, value = take(words)
        if name in said:
            raise QuestionError(f"at word {word.place}: {word.value} is said twice")
        said[name] = value
        if not words.skip("and"):
            return LogFilter(**said)


def _level(words: Words) -> tuple[str, Any]:
    words.expect(">=")
    return "level", _one_of(words, "a level", LEVELS)


def _component(words: Words) -> tuple[str, Any]:
    if words.skip("in"):
        found = _list(words)
        for name in found:
            _known("component", name, COMPONENTS)
        return "components", found
    words.expect("=")
    return "components", (_one_of(words, "a component", COMPONENTS),)


def _text(words: Words) -> tuple[str, Any]:
    words.expect("contains")
    return "text", words.take("a text", _VALUE).value


def _equal(name: str) -> Callable[[Words], tuple[str, Any]]:
    def take(words: Words) -> tuple[str, Any]:
        words.expect("=")
        return name, words.take("a value", _VALUE).value

    return take


def _trace(words: Words) -> tuple[str, Any]:
    words.expect("=")
    return "trace_id", _trace_id(words)


_LOG_CONDITION: Final[dict[str, Callable[[Words], tuple[str, Any]]]] = {
    "level": _level,
    "component": _component,
    "logger": _equal("logger"),
    "text": _text,
    "trace": _trace,
    "instance": _equal("instance"),
    "event": _equal("event"),
}


# traces


def _traces(words: Words) -> TraceSearch:
    said: dict[str, Any] = {}
    where: list[Match] = []
    if words.skip("where"):
        _trace_condition(words, said, where)
        while words.skip("and"):
            _trace_condition(words, said, where)
    over_s, until, most, slowest = DEFAULT_OVER_S, None, TraceSearch(Period(1.0)).most, False
    while words.next is not None:
        if words.skip("over"):
            over_s = _seconds(words)
        elif words.skip("until"):
            until = _time(words)
        elif words.skip("limit"):
            most = _whole(words, "limit")
        elif words.skip("slowest"):
            slowest = True
        else:
            words.end("where, over, until, slowest or limit")
    return TraceSearch(Period(over_s, until), **said, where=tuple(where), most=most, slowest=slowest)


def _trace_condition(words: Words, said: dict[str, Any], where: list[Match]) -> None:
    if words.skip("not", "error"):
        said["error"] = False
    elif words.skip("error"):
        said["error"] = True
    elif words.skip("root"):
        said["root"] = _equal("root")(words)[1]
    elif words.skip("instance"):
        said["instance"] = _equal("instance")(words)[1]
    elif words.skip("duration"):
        if words.skip("<") or words.skip("<="):
            said["shorter_s"] = _seconds(words)
        elif words.skip(">") or words.skip(">="):
            said["longer_s"] = _seconds(words)
        else:
            raise words.wrong(">, >=, < or <= should stand here")
    else:
        where.append(_match(words))


# values


def _one_of(words: Words, what: str, known: Any) -> str:
    return _known(what.removeprefix("a "), words.take(what, _VALUE).value, known)


def _known(what: str, name: str, known: Any) -> str:
    if name not in known:
        near = did_you_mean(nearest(name, known))
        raise QuestionError(f"there is no {what} {name!r}{near}; there are {', '.join(known)}")
    return name


def _trace_id(words: Words) -> str:
    word = words.take("a trace id", _VALUE)
    found = word.value.lower()
    if not _TRACE_ID.fullmatch(found):
        raise QuestionError(
            f"at word {word.place}: a trace id has 32 hexadecimal digits, {word.value[:40]!r} has not"
        )
    return found


def _whole(words: Words, what: str) -> int:
    word = words.take("a number")
    if not word.value.isdecimal() or not 1 <= int(word.value) <= MOST:
        raise QuestionError(
            f"at word {word.place}: {what} takes a number from 1 to {MOST:,}, not {word.value!r}"
        )
    return int(word.value)


def _is_duration(words: Words) -> bool:
    if words.next is None or words.next.kind != "name" or not words.next.value[:1].isdigit():
        return False
    try:
        duration(words.next.value)
    except ValueError:
        return False
    return True


def _seconds(words: Words) -> float:
    word = words.take("a duration such as 1h30m")
    try:
        if not re.search(r"[a-z]", word.value.lower()):
            raise ValueError
        found = duration(word.value)
    except ValueError:
        raise QuestionError(
            f"at word {word.place}: {word.value!r} is no duration such as 90s, 5m, 1h30m or 7d"
        ) from None
    if not 0 < found <= 10 * 366 * 86_400:
        raise QuestionError(f"at word {word.place}: a duration is more than nothing, and ten years at most")
    return found


def _time(words: Words) -> float:
    word = words.take("a time such as 2026-11-24T12:00Z", _VALUE)
    try:
        found = datetime.fromisoformat(word.value)
    except ValueError:
        raise QuestionError(
            f"at word {word.place}: {word.value!r} is no time such as 2026-11-24T12:00Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
