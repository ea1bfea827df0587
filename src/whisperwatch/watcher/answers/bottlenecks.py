"""`performance bottlenecks`: what people wait for, and what to do about it, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.answers import figures
from whisperwatch.watcher.answers.figures import UNKNOWN, named, shown
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section
from whisperwatch.watcher.answers.performance import titled
from whisperwatch.watcher.insight.advice import Advice
from whisperwatch.watcher.insight.bottlenecks import METRICS, Bottlenecks, Slow
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.shares import Share

_CALLED: Final = {
    "llm": "The LLM",
    "database": "The database",
    "memory": "The bot's memory",
    "cache": "The cache",
    "network": "The network",
    "tasks": "The queue of jobs",
    "bot": "The bot's own code",
}
"""Components as the verdict calls them."""
_LINES: Final = 5
_OPERATIONS: Final = 4
_SLOW: Final = 3
_LEAST: Final = 0.005
"""A share that rounds to nothing has no line."""
_BY_METRICS: Final = (
    "No trace of a message could be looked into: these are the sums of all calls, which may have run beside each "
    "other, or for no message."
)


def page(report: Bottlenecks) -> Page:
    """The verdict, where the time goes, and what to do."""
    return figures.page("Bottlenecks", report.basis, tuple(_lines(report)), tuple(_sections(report)))


def _lines(report: Bottlenecks) -> Iterator[Line]:
    if not report.components:
        yield "What messages took in this time is not known."
        return
    most = report.components[0]
    who = _CALLED.get(most.component) or titled(most.component)
    yield f"{who} takes {_percent(most.share)} of the time that a message takes."
    if report.source == METRICS:
        yield _BY_METRICS
    else:
        looked_at = named("Messages looked into", Figure(report.messages.value, report.messages.unit))
        yield f"{looked_at}, {shown(report.per_message)} each"


def _sections(report: Bottlenecks) -> Iterator[Section]:
    by = ", by the metrics" if report.grown_source != report.source else ""
    found: dict[str, Iterator[str]] = {
        "Where the time goes": (_share(one, titled(one.name)) for one in report.components),
        "What to do": (line for one in report.advice[:_LINES] for line in _advice(one)),
        "Operations that take most": (
            _share(one, f"{titled(one.component)}, {one.name}") for one in report.operations[:_OPERATIONS]
        ),
        f"Takes longer than before{by}": map(_grown, report.grown),
        "Slowest": map(_slow, report.slowest[:_SLOW]),
    }
    for title, lines in found.items():
        if told := tuple(filter(None, lines)):
            yield Section(title, told)


def _share(share: Share, name: str) -> str:
    """Empty where it rounds to nothing."""
    if (share.share.value or 0.0) < _LEAST:
        return ""
    each = "" if share.per_message.value is None else f", {shown(share.per_message)} a message"
    return f"{name}: {_percent(share.share)}{each}"


def _grown(share: Share) -> str:
    now, before = share.per_message.value, share.per_message.before
    return (
        f"{titled(share.name)}: {_seconds(now)} a message, {_seconds(before) if before else 'nothing'} before"
    )


def _advice(advice: Advice) -> Iterator[str]:
    yield advice.what
    yield "Seen in: " + " · ".join(f"{name} {shown(figure)}" for name, figure in advice.numbers.items())


def _slow(slow: Slow) -> str:
    return f"`trace {slow.trace_id}`: {_seconds(slow.seconds)}, {titled(slow.component)} {slow.share * 100:.0f} %"


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else number(value, "s")


def _percent(share: Figure) -> str:
    return UNKNOWN if share.value is None else f"{share.value * 100:.0f} %"
