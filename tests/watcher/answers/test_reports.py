"""Reports as they are read: pages to the letter, and what is wrong in a question told."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.answers import (
    Answers,
    embeds,
    memory_analysis,
    performance,
    places,
    spending,
    terminal,
    usage,
)
from whisperwatch.watcher.answers.figures import shown, spark, title
from whisperwatch.watcher.answers.page import Page
from whisperwatch.watcher.insight.budgets import Budget
from whisperwatch.watcher.insight.figures import Basis, Figure
from whisperwatch.watcher.insight.leak import Leak
from whisperwatch.watcher.insight.memory_use import MemoryUse
from whisperwatch.watcher.insight.performance import Component, History, Performance, Times, Trend
from whisperwatch.watcher.insight.places import Place, Places
from whisperwatch.watcher.insight.resources import Resources
from whisperwatch.watcher.insight.spending import LlmUse, Spending
from whisperwatch.watcher.insight.usage import Cache, Caches, Engagement, MemoryOperation, MemorySystem
from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.settings.guide import Thresholds

AT = 1_700_000_000.0
HOUR = Basis(AT - 3600, AT, "embedded")
DAY = Basis(AT - 86_400, AT, "embedded")
NONE = Figure()


def times(name: str, p95: float, count: float, before: float | None = None) -> Times:
    seconds = [Figure(value, "s", before) for value in (p95 / 2, p95, p95 * 2)]
    return Times(name, *seconds, Figure(count, "{call}"))


def read(page: Page) -> str:
    """Without its footer, which says what brackets are where there are any."""
    text, _, footer = terminal.text(page).rpartition("\n\n")
    compared = " %)" in text or " times as much)" in text
    assert footer.endswith("store: embedded" + " · in brackets: against the period before" * compared)
    return text + "\n"


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def test_performance() -> None:
    report = Performance(
        HOUR, times("response", 1.2, 812, 1.0), Figure(812, "{message}", 700), Figure(12, "{error}"),
        (times("llm", 1.1, 800), times("database", 0.02, 4000)), (times("ask", 2, 120),),
    )  # fmt: skip
    assert read(performance.summary(report)) == dedent("""
        ✅ Performance, last hour
        Half of all answers came within 600 ms, 95 of 100 within 1.2 s.
        P50: 600 ms (-40 %) · P95: 1.2 s (+20 %) · P99: 2.4 s (+140 %)
        Answers: 812 (+16 %), 13.5 a minute
        Failed: 12, 1.48 % of them

        By component
           LLM: P95 1.1 s, 800 calls
           Database: P95 20 ms, 4,000 calls

        Slowest commands
           ask: P95 2 s, 120 calls
        """)

    page = Path(__file__).parents[3] / "docs" / "commands.md"
    shown, _, _ = page.read_text(encoding="utf-8").partition("## Reports\n\n```text\n")[2].partition("```")
    assert read(performance.summary(report)).startswith(shown)


def test_a_bot_that_did_nothing() -> None:
    silent = Times("response", NONE, NONE, NONE, NONE)
    report = Performance(HOUR, silent, NONE, NONE, (), ())
    assert read(performance.summary(report)) == dedent("""
        Performance, last hour
        Nothing was answered in this time.
        """)


def test_one_component() -> None:
    report = Component(
        DAY, times("llm", 1, 20), Figure(unit="{error}"), "gen_ai.request.model", (times("small", 1, 20),)
    )
    assert read(performance.component(report)) == dedent("""
        Performance of LLM, last 24 hours
        Half of all calls took up to 500 ms, 95 of 100 up to 1 s.
        P50: 500 ms · P95: 1 s · P99: 2 s
        Calls: 20
        Errors: 0

        Slowest models
           small: P95 1 s, 20 calls
        """)


def test_history() -> None:
    trend = Trend("Answers", Figure(13, "{message}", 10), (None, 5, 0, 8))
    slow = Trend("P95", Figure(1.2, "s"), (None, None, 1.2, None))
    unknown = Trend("P50", NONE, (None,) * 4)
    report = History(DAY, (unknown, slow, trend), 21_600, (1, 2, 3, 4), ())
    assert read(performance.history(report)) == dedent("""
        ✅ Performance, last 24 hours
        13 answers, 95 of 100 within 1.2 s.

        The whole time
           P95: 1.2 s
           Answers: 13 (+30 %)
           ·▆▁█ 0 to 8
           A bar for each 6 h.
        """)


def test_resources() -> None:
    report = Resources(
        HOUR, Figure(0.2), Figure(5e8, "By", 4e8), Figure(0.5), Figure(0.6),
        {"1m": Figure(0.5, "{thread}"), "5m": Figure(12.25, "{thread}"), "15m": Figure(1, "{thread}")},
        {"/": Figure(0.91)},
        {"write": Figure(3e6, "By/s")}, {"receive": Figure(2000.0, "By/s")},
        Figure(0.003, "s"), NONE, Figure(9, "{thread}"),
        (0.1, 0.3), (4e8, 5e8), (0.4, 0.5), (0.6, 0.6), (1, 2), (),
    )  # fmt: skip
    assert read(performance.resources(report)) == dedent("""
        ⚠️ Resources, last hour
        Nothing is nearer its limit than the disk /: 91 % in use.
        Above its threshold: disk / 91 %, more than 85 %.

        The bot's process
           CPU: 20 %
           ▃█ 10 % to 30 %
           Memory, at most: 500 MB (+25 %)
           ▇█ 400 MB to 500 MB
           Threads: 9

        Its machine or container
           CPU: 50 %
           ▇█ 40 % to 50 %
           Load over 1, 5 and 15 minutes: 0.5, 12.2, 1
           Memory: 60 %
           ██ 60 % to 60 %
           Disk /: 91 %
           Disk, write: 3 MB a second
           Network, receive: 2 kB a second

        Its event loop
           P99 of its lag: 3 ms
           P99 of the garbage collector's pauses: not known
        """)


def used(name: str, tokens: int, usd: float | None, calls: int) -> LlmUse:
    return LlmUse(
        name,
        Figure(calls, "{call}"),
        Figure(tokens, "{token}", tokens / 2),
        Figure(tokens / 10, "{token}"),
        Figure(usd, "{USD}"),
    )


def test_cost() -> None:
    models = (used("large", 20_000, 1.25, 40), used("small", 3000, None, 9))
    whole = used("all", 23_000, 1.25, 49)
    features = (used("ask", 20_000, 1.25, 40), used("message", 3000, None, 9))
    set_ = {
        "tokens": Budget(Figure(100_000, "{token}"), Figure(500_000, "{token}"), 10 * 86_400.0),
        "money": Budget(Figure(None, "{USD}"), Figure(20.0, "{USD}"), 10 * 86_400.0),
    }
    report = Spending(DAY, whole, models, features, Figure(50, "{message}"), 86_400.0, ("small",), set_)
    assert read(spending.cost(report)) == dedent("""
        LLM cost, last 24 hours
        $1.25 for 25,300 tokens (+120 %), in 49 calls.
        Tokens in: 23,000 (+100 %), out: 2,300
        For each of 50 answers: $0.025 for 506 tokens
        In 30 days at the rate of the last 1d: about $38.00 for 760,000 tokens

        By model
           large: $1.25, 20,000 tokens in (+100 %), 2,000 out, 40 calls
           small: 3,000 tokens in (+100 %), 300 out, 9 calls

        By feature
           ask: $1.25, 20,000 tokens in (+100 %), 2,000 out, 40 calls
           message: 3,000 tokens in (+100 %), 300 out, 9 calls

        This month's budget
           100,000 of 500,000 tokens, 20 %; at this rate 350,000 by its end
           not known of $20.00

        Not priced
           No price is known of small, so that is in no sum of money.
           Name a JSON file in WHISPERWATCH_LLM_PRICES, with USD for a million tokens:
           {"small": {"input": …, "output": …}}
        """)
    page = (Path(__file__).parents[3] / "docs" / "llm.md").read_text(encoding="utf-8")
    shown, _, _ = page.partition("```text\n")[2].partition("```")
    assert shown in read(spending.cost(report))
    elsewhere = Spending(DAY, whole, models, (), NONE, 86_400.0, ("small",), {})
    assert "Not known: another instrumentation records the calls" in read(spending.cost(elsewhere))
    assert "No language model was called" in read(
        spending.cost(Spending(DAY, whole, (), (), NONE, 0.0, (), {}))
    )


def place(
    guild: str,
    channel: str,
    messages: float,
    seconds: float,
    failed: float = 0,
    tokens: float = 0,
    before: float | None = None,
) -> Place:
    """That had `before` times as much of everything in the period before."""
    amounts = ((messages, "{message}"), (seconds, "s"), (failed, "{message}"), (tokens, "{token}"))
    figures = (Figure(value, unit, None if before is None else value * before) for value, unit in amounts)
    return Place(guild, channel, *figures)  # fmt: skip


def test_top() -> None:
    harbour, attic, general = "1" * 16, "2" * 16, "a" * 16
    together = place("", "", 200, 400.0, 4, 5000, before=0.8)
    busy, quiet = place(harbour, "", 150, 100.0, 1, 0, before=2), place(attic, "", 40, 280.0, 3, 5000)
    direct, channel = place("", "", 1, 2.0), place(harbour, general, 150, 100.0, 1)
    report = Places(DAY, Figure(200, "{message}"), together, True, True, (busy, quiet, direct), (channel,))
    assert read(places.top(report)) == dedent("""
        Top servers and channels, last 24 hours
        200 (+25 %) messages and interactions were looked into, all that there were.
        Something failed for 4 (+25 %) of them; LLM tokens: 5,000 (+25 %).
        Names are shown to the bot's owner alone: in direct messages, and by /watch.

        Servers by load
           server 1111111111111111: 150 messages (-50 %), 75 % of all, 667 ms each
           server 2222222222222222: 40 messages, 20 % of all, 7 s each
           direct messages: 1 message, 0.5 % of all, 2 s each

        Servers by failures
           server 2222222222222222: 3, 75 % of all
           server 1111111111111111: 1 (-50 %), 25 % of all

        Servers by LLM tokens
           server 2222222222222222: 5,000, 100 % of all

        Channels by load
           channel aaaaaaaaaaaaaaaa of server 1111111111111111: 150 messages, 75 % of all, 667 ms each

        Channels by failures
           channel aaaaaaaaaaaaaaaa of server 1111111111111111: 1, 25 % of all
        """)
    sampled = Places(DAY, Figure(9000, "{message}"), together, False, False, (busy,), ())
    assert (
        "\n200 messages and interactions were looked into, spread over the time.\nThe bot answered 9,000 in all"
        in read(places.top(sampled))
    )
    assert "failed for 4 (+25 %) or more of them" in read(places.top(sampled))
    nothing = Places(DAY, NONE, place("", "", 0, 0), True, True, (), ())
    assert "No message or interaction is known of in this time." in read(places.top(nothing))


def test_memory_of_the_process() -> None:
    memory = Figure(158e6, "By")
    leaks = Leak("leaks", 48e6, "the lows of its days have risen all along, for 7 days", 7.0)
    report = MemoryUse(
        DAY, memory, memory, leaks, {"0": Figure(9, "{collection}")}, Figure(0.02, "s"), (1e8, 1.5e8), 300.0
    )
    assert read(memory_analysis.analysis(report)).startswith(
        dedent("""
        ⚠️ Memory of the bot's process, last 24 hours
        The bot leaks memory, 48 MB a day: the lows of its days have risen all along, for 7 days.
        Memory: 158 MB
        At most: 158 MB
        ▆█ 100 MB to 150 MB

        The garbage collector's runs
           Generation 0: 9
        """)
    )
    calm = replace(report, leak=Leak("no leak", 1e5, "the lows of its days stay where they are", 7.0))
    assert "No leak: the lows of its days stay where they are." in read(memory_analysis.analysis(calm))
    assert "Growth: 100 kB a day" in read(memory_analysis.analysis(calm))


def test_engagement() -> None:
    users = {"day": Figure(10, "{user}", 8)}
    report = Engagement(
        DAY, {"day": Figure(12, "{user}", 10)}, users, {"day": Figure(4, "{user}", 4)},
        Figure(9, "{conversation}"), Figure(4, "{turn}"), NONE,
        {end: Figure(count, "{conversation}") for end, count in (("error", 1), ("one_turn", 3), ("more", 4))},
        {"positive": Figure(3, "{feedback}"), "negative": Figure(1, "{feedback}")},
        {"reaction": Figure(2, "{feedback}"), "api": Figure(1, "{feedback}")},
        {"asked_again": Figure(1, "{feedback}")}, {"ask": Figure(4, "{use}")},
        {"day": (None, 3, 12), "week": (None,) * 3, "month": (None,) * 3}, (0, 5, 4), (1, 2, 3), (),
    )  # fmt: skip
    assert read(usage.engagement(report)) == dedent("""
        ✅ Engagement, last 24 hours
        12 (+20 %) users were answered today.

        Active users
           Today: 12 (+20 %)
           ·▃█ 3 to 12
           From: whom the bot answered, each user once; a day is UTC's.

        Who came back
           Yesterday, of the day before: 40 % (-20 %), 4 of 10 users
           From: the same, of complete days.

        Conversations
           Begun: 9
           ▁█▇ 0 to 5
           Ended: 8
           … after one message of the user's: 37.5 %
           … after an error: 12.5 %
           Messages of the user's in one, on average: 4
           From: one user in one channel with gaps under 30 minutes, or as the bot's code says.

        What was thought of answers
           Liked: 75 %
           Good, by reactions: 2
           Good, as the bot's code says: 1
           Bad, as the same was asked again within a minute: 1

        Used most
           ask: 4
           From: commands, and what the bot's code says is a feature.
        """)


def test_verdicts_are_by_the_thresholds() -> None:
    slow = Performance(
        HOUR, times("response", 2.4, 90), Figure(100, "{message}"), Figure(9, "{error}"), (), ()
    )  # fmt: skip
    page = performance.summary(slow)
    assert (page.status, page.lines[1]) == (
        "degraded", "Above its threshold: P95 2.4 s, more than 2 s; failures 9 %, more than 5 %.",
    )  # fmt: skip
    assert performance.summary(slow, Thresholds(response_s=3.0, error_rate=10.0)).status == "healthy"
    assert embeds.embeds(page)[0]["color"] == embeds.COLOURS["degraded"]
    trends = (Trend("P95", Figure(2.4, "s"), (2.4,)),)
    assert performance.history(History(DAY, trends, 3600, (1,), ())).status == "degraded"
    assert performance.history(History(DAY, (), 3600, (), ())).status is None

    def people(today: float) -> Engagement:
        users = {"day": Figure(today, "{user}", 10)}
        return Engagement(DAY, users, {}, {}, NONE, NONE, NONE, {}, {}, {}, {}, {}, {}, (), (), ())

    assert [usage.engagement(people(today)).status for today in (12, 9, 7)] == [
        "healthy",
        "healthy",
        "degraded",
    ]
    missing = Performance(
        Basis(AT - 60, AT, "embedded", (), ("Prometheus is down",)), slow.response, NONE, NONE, (), ()
    )
    assert performance.summary(missing).status == "unknown"


def test_caches() -> None:
    one = Cache("replies", Figure(40, "{request}"), Figure(0.75, "1", 0.5), Figure(2, "{key}"))
    report = Caches(DAY, Figure(45, "{request}"), Figure(30 / 45), (one,))
    assert read(usage.caches(report)) == dedent("""
        Caches, last 24 hours
        Of 100 look-ups 67 were hits.

        replies
           Hits: 75 % (+50 %)
           Look-ups: 40
           Evictions: 2
        """)
    two = read(usage.caches(replace(report, caches=(one, replace(one, name="other")))))
    assert "were hits.\nHits: 66.7 %\nLook-ups: 45\n" in two
    assert "No cache was asked in this time." in read(usage.caches(Caches(DAY, NONE, NONE, ())))


def test_memory() -> None:
    operation = MemoryOperation(
        "retrieve", Figure(4, "{operation}"), Figure(0.2, "s"), Figure(1, "{operation}"), Figure(3, "{item}")
    )
    assert read(usage.memory(MemorySystem(DAY, (operation,), Figure(0.7)))) == dedent("""
        Memory system, last 24 hours
        25 % of all operations failed.
        Relevance of the best, on average: 70 %

        Retrieve
           Operations: 4
           P95: 200 ms
           Failed: 1
           Memories each: 3
        """)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(None, "s", 1.0), "not known"),
        (Figure(1.0, "s", 1.001), "1 s"),
        (Figure(20.0, "s", 1.0), "20 s (20 times as much)"),
        (Figure(0.0, "{error}", 4.0), "0 (-100 %)"),
        (Figure(5.0, "{error}", 0.0), "5"),
        (Figure(1234.5, "{USD}", 1000.0), "$1,234.50 (+23 %)"),
        (Figure(0.0123, "{USD}"), "$0.012"),
        (Figure(0.5, "{USD}"), "$0.50"),
        (Figure(0.0000027, "{USD}"), "$0.0000027"),
    ],
)
def test_figures(figure: Figure, text: str) -> None:
    assert shown(figure) == text


def test_nothing_known_has_no_bars() -> None:
    assert spark((None, None), "s") == spark((None, 1.0), "s") == ()


@pytest.mark.parametrize(
    ("over_s", "called"),
    [
        (60, "minute"), (300, "5 minutes"), (3600, "hour"), (3590, "hour"), (5400, "90 minutes"), (7200, "2 hours"),
        (86_400, "24 hours"), (129_600, "36 hours"), (172_800, "2 days"), (7 * 86_400 - 300, "7 days"),
        (45, "45 seconds"),
    ],
)  # fmt: skip
def test_periods_are_called_by_their_length(over_s: float, called: str) -> None:
    assert title("Logs", over_s) == f"Logs, last {called}"


def test_a_page_is_of_no_time_to_come() -> None:
    ends = time.time() + 300
    assert (
        abs((usage.caches(Caches(Basis(ends - 600, ends, "embedded"), NONE, NONE, ())).at or 0) - time.time())
        < 60
    )


def test_what_is_missing_is_told() -> None:
    basis = Basis(AT - 60, AT, "embedded", ("metrics are kept for 30d",), ("Prometheus is down",))
    page = usage.caches(Caches(basis, NONE, NONE, ()))
    (embed,) = embeds.embeds(page)
    assert embed["title"] == "❔ Caches, last minute"
    assert embed["fields"] == [
        {
            "name": "Not all is known",
            "value": "Prometheus is down.\nMetrics are kept for 30d.",
            "inline": False,
        }
    ]


class Down:
    """A store that is down."""

    name = "prometheus"

    async def measure(self, *_: Any) -> Sequence[Series]:
        raise EngineError("Prometheus (http://localhost:9090) refuses the connection")

    async def quantiles(self, *_: Any) -> Sequence[Sequence[Series]]:
        raise EngineError("Prometheus (http://localhost:9090) refuses the connection")


async def _no_health() -> dict[str, Any]:
    return {"off": "it is off"}


DOWN = Engines(Down())


def answers(engines: Engines = DOWN) -> Answers:
    return Answers(_no_health, asking=Asking(engines))


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("performance", {}),
        ("performance", {"view": "response-times"}),
        ("performance", {"view": "history", "period": "7d"}),
        ("performance", {"view": "component", "name": "llm"}),
        ("performance", {"view": "resources"}),
        ("performance", {"view": "capacity-planning"}),
        ("performance", {"view": "bottlenecks"}),
        ("cost", {}),
        ("top", {}),
        ("engagement", {}),
        ("cache", {"period": "10y"}),
        ("memory", {"view": "status"}),
    ],
)
async def test_a_store_that_is_down_is_said_in_every_report(question: str, arguments: dict[str, Any]) -> None:
    answer = await answers().answer(question, arguments)
    assert answer["error"] is None
    assert "refuses the connection" in answer["text"]
    assert answer["embeds"][0]["fields"][-1]["name"] == "Not all is known"


@pytest.mark.parametrize(
    ("question", "arguments", "error"),
    [
        ("cache", {"period": "soon"}, "'soon' is no period: write 30m, 6h or 7d, from a minute on"),
        ("cache", {"period": "1s"}, "'1s' is no period: write 30m, 6h or 7d, from a minute on"),
        ("cache", {"period": "-3h"}, "'-3h' is no period: write 30m, 6h or 7d, from a minute on"),
        ("cache", {"period": "nan"}, "'nan' is no period: write 30m, 6h or 7d, from a minute on"),
        ("performance", {"view": "component"}, "performance component needs one of llm, database, memory, "),
        ("performance", {"name": "llm"}, "llm is a component: ask `performance component llm`"),
    ],
)
async def test_what_makes_no_sense_is_refused(question: str, arguments: dict[str, Any], error: str) -> None:
    answer = await answers().answer(question, arguments)
    assert answer["embeds"] == []
    assert answer["error"].startswith(error)


async def test_where_nobody_keeps_metrics() -> None:
    answer = await answers(Engines()).answer("cache", {})
    assert answer["error"].startswith("nobody keeps metrics here")
