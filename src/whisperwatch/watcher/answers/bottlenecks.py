"""`performance bottlenecks`: what people wait for, and what to do about it, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.answers import figures
from whisperwatch.watcher.answers.figures import named, shown
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section
from whisperwatch.watcher.insight.advice import Advice
from whisperwatch.watcher.insight.bottlenecks import METRICS, Bottlenecks, Slow
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.shares import Share

_CALLED: Final = {
    "llm": "the LLM", "database": "the database", "memory": "the memory", "cache": "the cache",
    "discord": "Discord", "network": "other servers", "tasks": "the queue", "bot": "the bot's own code",
}  # fmt: skip
_LINES: Final = 5
_SLOW: Final = 3
_LEAST: Final = 0.005
"""A share that rounds to nothing has no line."""


def page(report: Bottlenecks) -> Page:
    """The verdict, where the time goes, and what to do."""
    lines: tuple[Line, ...] = (_verdict(report),)
    if report.components:
        lines += (_looked_at(report),)
    return figures.page("Bottlenecks", report.basis, lines, tuple(_sections(report)))


def _sections(report: Bottlenecks) -> Iterator[Section]:
    found = {
        "Where the time goes": map(_component, filter(_counts, report.components[:_LINES])),
        "Operations that take most": map(_operation, filter(_counts, report.operations[:_LINES])),
        "Takes longer than before": map(_grown, report.grown[:_LINES]),
        "What to do": (line for one in report.advice[:_LINES] for line in _advice(one)),
        "Slowest": map(_slow, report.slowest[:_SLOW]),
    }
    for title, lines in found.items():
        if told := tuple(lines):
            yield Section(title, told)


def _verdict(report: Bottlenecks) -> str:
    if not report.components:
        return "Nothing is known of what messages took in this time."
    most = report.components[0]
    who = _called(most.component)
    return f"{who[:1].upper()}{who[1:]} takes {_percent(most.share)} of the time that a message takes."


def _looked_at(report: Bottlenecks) -> str:
    if report.source == METRICS:
        return (
            "No trace of a message is kept of this time: these are the sums of all calls, which may have run beside "
            "each other, or for no message."
        )
    return f"{named('Messages looked into', Figure(report.messages.value))}, {shown(report.per_message)} each"


def _counts(share: Share) -> bool:
    return (share.share.value or 0.0) >= _LEAST


def _component(share: Share) -> str:
    who = _called(share.component)
    return f"{who[:1].upper()}{who[1:]}: {_percent(share.share)}, {shown(share.per_message)} a message"


def _operation(share: Share) -> str:
    return f"{share.name}: {_percent(share.share)}, {shown(share.per_message)} a message"


def _grown(share: Share) -> str:
    before = share.per_message.before
    of = "nothing" if not before else number(before, "s")
    return f"{_component(share)}, before {of}"


def _advice(advice: Advice) -> Iterator[str]:
    yield advice.what
    yield "Because: " + " · ".join(named(name, figure) for name, figure in advice.numbers.items())


def _slow(slow: Slow) -> str:
    return f"trace {slow.trace_id}: {number(slow.seconds, 's')}, {_called(slow.component)} {slow.share * 100:.0f} %"


def _called(component: str) -> str:
    return _CALLED.get(component, component)


def _percent(share: Figure) -> str:
    return figures.UNKNOWN if share.value is None else f"{share.value * 100:.0f} %"
