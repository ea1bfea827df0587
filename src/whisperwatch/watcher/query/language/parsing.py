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
from typing import Any, Final

from whisperwatch.watcher.query.language import log_parsing, trace_parsing
from whisperwatch.watcher.query.language.clauses import clauses
from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.literals import match, names, number
from whisperwatch.watcher.query.language.measures import KINDS, Match, Measure, Ratio, Top
from whisperwatch.watcher.query.language.questions import MetricQuestion, Question
from whisperwatch.watcher.query.language.words import Words
from whisperwatch.watcher.settings.misspelt import did_you_mean, nearest

_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_FUNCTIONS: Final = (*(name for name in KINDS if name != "quantile"), "p50", "p95", "p99")


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
        return log_parsing.logs(words)
    if words.skip("count"):
        words.expect("logs")
        return log_parsing.count(words)
    if words.skip("traces"):
        return trace_parsing.traces(words)
    if words.skip("trace"):
        return trace_parsing.trace(words)
    return _metric(words)


def _metric(words: Words) -> MetricQuestion:
    most = number(words, "top") if words.skip("top") else None
    first = _measure(words)
    expression = Ratio(first, _measure(words)) if words.skip("/") else first
    said = clauses(words, "over", "every", "window", "until", "compared")
    asked = expression if most is None else Top(most, expression)
    return MetricQuestion(asked, said.period, said.compared)


def _measure(words: Words) -> Measure:
    word = words.take("a function such as increase")
    quantile = None
    function: Any = word.value
    if found := _QUANTILE.fullmatch(word.value):
        function, quantile = "quantile", round(float(found[1]) / 100, 10)
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
    by = names(words) if words.skip("by") else ()
    return Measure(function, metric, where, by, quantile)


def _matches(words: Words) -> tuple[Match, ...]:
    found = [match(words)]
    while words.skip("and"):
        found.append(match(words))
    return tuple(found)
