"""What people wait for, as a page: to the letter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from whisperwatch.watcher.answers import bottlenecks
from whisperwatch.watcher.insight.advice import Advice
from whisperwatch.watcher.insight.bottlenecks import Bottlenecks, Slow
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.shares import Share

from .test_reports import HOUR, dedent, read


def share(name: str, component: str, part: float, before_s: float | None = None) -> Share:
    return Share(name, component, Figure(part), Figure(part * 2.4, "s", before_s))


LLM = share("llm", "llm", 0.71, 0.9)
REPORT = Bottlenecks(
    HOUR, "traces", Figure(40, "{message}", 38), Figure(2.4, "s", 1.6),
    (LLM, share("database", "database", 0.17), share("bot", "bot", 0.118), share("cache", "cache", 0.002)),
    (share("chat small", "llm", 0.71, 0.9), share("SELECT memories", "database", 0.15)),
    (LLM,), "traces",
    tuple(Slow(f"4bf92f3577b34da6a3ce929d0e0e473{n}", "message", 12.3 - n, "llm", 0.93) for n in range(5)),
    (
        Advice(
            "database", "Make the pool localhost:5432/bot larger: `config set DATABASE_POOL_SIZE 18`.",
            {"P95 of the wait for a connection": Figure(0.0975, "s"), "connections": Figure(8, "{connection}")},
        ),
    ),
)  # fmt: skip


def test_of_traces() -> None:
    assert read(bottlenecks.page(REPORT)) == dedent("""
        Bottlenecks, last hour
        The LLM takes 71 % of the time that a message takes.
        Messages looked into: 40, 2.4 s (+50 %) each

        Where the time goes
           LLM: 71 %, 1.7 s (+89 %) a message
           Database: 17 %, 408 ms a message
           Bot: 12 %, 283 ms a message

        What to do
           Make the pool localhost:5432/bot larger: `config set DATABASE_POOL_SIZE 18`.
           Seen in: P95 of the wait for a connection 97.5 ms · connections 8

        Operations that take most
           LLM, chat small: 71 %, 1.7 s (+89 %) a message
           Database, SELECT memories: 15 %, 360 ms a message

        Takes longer than before
           LLM: 1.7 s a message, 900 ms before

        Slowest
           `trace 4bf92f3577b34da6a3ce929d0e0e4730`: 12.3 s, LLM 93 %
           `trace 4bf92f3577b34da6a3ce929d0e0e4731`: 11.3 s, LLM 93 %
           `trace 4bf92f3577b34da6a3ce929d0e0e4732`: 10.3 s, LLM 93 %
        """)


def test_the_documented_page_is_this_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "commands.md"
    shown, _, _ = (
        page.read_text(encoding="utf-8").partition("### Bottlenecks\n\n```text\n")[2].partition("```")
    )
    assert shown
    assert read(bottlenecks.page(REPORT)) == shown


def test_of_metrics() -> None:
    report = replace(
        REPORT, source="metrics", grown_source="metrics", slowest=(), operations=(), grown=(), advice=(),
        components=(Share("llm", "llm", Figure(1.0), Figure(None, "s")),),
    )  # fmt: skip
    assert read(bottlenecks.page(report)) == dedent("""
        Bottlenecks, last hour
        The LLM takes 100 % of the time that a message takes.
        No trace of a message could be looked into: these are the sums of all calls, which may have run
          beside each other, or for no message.

        Where the time goes
           LLM: 100 %
        """)


def test_what_grew_by_the_metrics_and_from_nothing() -> None:
    new = share("memory", "memory", 0.2, 0.0)
    text = read(bottlenecks.page(replace(REPORT, grown=(new,), grown_source="metrics")))
    assert "Takes longer than before, by the metrics\n   Memory: 480 ms a message, nothing before\n" in text


def test_nothing_is_known() -> None:
    report = replace(REPORT, components=(), operations=(), grown=(), slowest=(), advice=())
    assert read(bottlenecks.page(report)) == dedent("""
        Bottlenecks, last hour
        What messages took in this time is not known.
        """)
