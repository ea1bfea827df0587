"""A question and its text are the same thing; what is no question is told where it goes wrong."""

from __future__ import annotations

import hypothesis.strategies as some
import pytest
from hypothesis import given

from whisperwatch import semconv
from whisperwatch.watcher.query.language import (
    LogCount,
    LogFilter,
    LogQuestion,
    Match,
    Measure,
    MetricQuestion,
    Period,
    Question,
    QuestionError,
    Ratio,
    Top,
    TraceQuestion,
    TraceSearch,
)
from whisperwatch.watcher.query.language.logs import LEVELS
from whisperwatch.watcher.query.language.parsing import parse
from whisperwatch.watcher.query.language.printing import text

NAMES = some.from_regex(r"[a-z][a-z0-9_.]{0,20}", fullmatch=True).filter(
    lambda name: name not in ("by", "where", "and", "error", "root", "duration", "instance", "not")
)
VALUES = some.one_of(
    some.text(min_size=1, max_size=30),
    some.sampled_from(('a"b', "by", "x\\", "})", "naïve ☃", "a b", "/", "\0", "\n")),
)
SECONDS = some.integers(1, 10**6).map(float)
MATCHES = some.lists(
    some.builds(Match, NAMES, some.lists(VALUES, min_size=1, max_size=3).map(tuple), some.booleans()),
    max_size=2,
).map(tuple)
PERIODS = some.builds(Period, SECONDS, some.none() | some.integers(0, 4 * 10**9).map(float))
RANGES = some.one_of(
    PERIODS,
    some.builds(
        Period, SECONDS, some.none() | some.integers(0, 4 * 10**9).map(float), SECONDS, some.none() | SECONDS
    ),
)
MEASURES = some.one_of(
    some.builds(
        Measure, some.sampled_from(("increase", "rate", "sum", "avg", "last", "max", "min")), NAMES, MATCHES,
        some.lists(NAMES, max_size=2).map(tuple),
    ),
    some.builds(
        Measure, some.just("quantile"), NAMES, MATCHES, some.lists(NAMES, max_size=2).map(tuple),
        some.sampled_from((0.5, 0.95, 0.999, 1.0, 0.0)),
    ),
)  # fmt: skip
INNER = some.one_of(MEASURES, some.builds(Ratio, MEASURES, MEASURES))
EXPRESSIONS = some.one_of(INNER, some.builds(Top, some.integers(1, 10_000), INNER))
TRACE_IDS = some.from_regex(r"[0-9a-f]{32}", fullmatch=True)
FILTERS = some.builds(
    LogFilter,
    level=some.none() | some.sampled_from(tuple(LEVELS)),
    components=some.lists(some.sampled_from(semconv.COMPONENTS), max_size=3, unique=True).map(tuple),
    logger=some.none() | VALUES, text=some.none() | VALUES, trace_id=some.none() | TRACE_IDS,
    instance=some.none() | VALUES, event=some.none() | VALUES,
)  # fmt: skip
QUESTIONS: some.SearchStrategy[Question] = some.one_of(
    some.builds(MetricQuestion, EXPRESSIONS, RANGES, some.none() | some.just(0.0) | SECONDS),
    some.builds(LogQuestion, PERIODS, FILTERS, some.integers(1, 10_000)),
    some.builds(
        LogCount, RANGES, FILTERS,
        some.lists(some.sampled_from(("component", "level", "logger", "instance")), unique=True).map(tuple),
    ),
    some.builds(
        TraceSearch, PERIODS, roots=some.lists(VALUES, max_size=3).map(tuple), longer_s=some.none() | SECONDS,
        shorter_s=some.none() | SECONDS, error=some.none() | some.booleans(), where=MATCHES,
        instance=some.none() | VALUES, most=some.integers(1, 10_000), slowest=some.booleans(),
    ),
    some.builds(TraceQuestion, TRACE_IDS),
)  # fmt: skip


@given(QUESTIONS)
def test_a_text_means_its_question(question: Question) -> None:
    assert parse(text(question)) == question


@given(some.text(max_size=60))
def test_whatever_is_typed_is_a_question_or_refused(typed: str) -> None:
    try:
        found = parse(typed)
    except QuestionError:
        return
    assert parse(text(found)) == found


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("increase( bot.errors )", "increase(bot.errors) over 1h"),
        (
            'rate(bot.errors where a="llm" and outcome not in (ok,"a b")) by x,y over 90m every 60s window 5m',
            'rate(bot.errors where a = llm and outcome not in (ok, "a b")) by x, y over 1h30m every 1m window 5m',
        ),
        ("p99.9(m) / increase(n) over 7d compared", "p99.9(m) / increase(n) over 7d compared"),
        ("logs over 2h limit 7 until 2026-11-24T13:00+01:00", "logs over 2h until 2026-11-24T12:00:00Z limit 7"),
        (
            "traces where duration > 500ms and not error slowest",
            "traces where duration >= 500ms and not error over 1h slowest limit 20",
        ),
        ("trace 4BF92F3577B34DA6A3CE929D0E0E4736", "trace 4bf92f3577b34da6a3ce929d0e0e4736"),
    ],
)  # fmt: skip
def test_how_it_is_printed(typed: str, printed: str) -> None:
    assert text(parse(typed)) == printed


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("", "a question is empty"),
        ("increse(bot.errors)", "at word 1: there is no function 'increse': did you mean increase?"),
        ("increase(bot.errors", "')' is missing at the end"),
        ("increase(bot.errors) over soon", "at word 6: 'soon' is no duration such as 90s, 5m, 1h30m or 7d"),
        ("increase(bot.errors) over 5", "at word 6: '5' is no duration"),
        (
            "increase(bot.errors) over 1h banana",
            "at word 7, 'banana': nothing like that goes on here, but over, every",
        ),
        ("increase(bot.errors) window 5m", "a window needs an every"),
        ("increase(bot.errors where x ~ 5)", "at word 6, '~': =, !=, in or not in should stand here"),
        ("increase(bot.errors) until noon", "at word 6: 'noon' is no time such as 2026-11-24T12:00Z"),
        ("top x increase(bot.errors)", "at word 2: top takes a number from 1 to 10,000, not 'x'"),
        ('logs where text contains "open', "is a quote not closed?"),
        ("logs where lvl >= error", "at word 3: logs have no 'lvl'"),
        ("logs where levle >= error", "did you mean level?"),
        ("logs where level >= eror", "there is no level 'eror': did you mean error?; there are debug, info"),
        ("logs where component in (llm, brain)", "there is no component 'brain'"),
        ("logs where level >= error and level >= info", "at word 7: level is said twice"),
        ("logs limit 0", "limit takes a number from 1 to 10,000"),
        (
            "count logs by colour",
            "logs can't be counted by 'colour'; they can by component, level, logger, instance",
        ),
        ("traces where duration = 5s", ">, >=, < or <= should stand here"),
        ("trace abc", "a trace id has 32 hexadecimal digits, 'abc' has not"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736 over 1h", "a trace is asked for by its id alone"),
        ("increase(x)" + " " * 30_000 + "y", "a question has at most 20,000 characters"),
    ],
)
def test_what_is_wrong_is_said(typed: str, wrong: str) -> None:
    with pytest.raises(QuestionError) as raised:
        parse(typed)
    assert wrong in str(raised.value)
