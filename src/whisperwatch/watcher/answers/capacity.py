"""`performance capacity-planning`: what is full first, then each thing in a few lines, then what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from whisperwatch.watcher.answers import leaks, verdicts
from whisperwatch.watcher.answers.figures import UNKNOWN, named, page, shown, span, spark, thinned
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section, sentence, symbol
from whisperwatch.watcher.insight.capacity import Capacity
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.forecast import Reach
from whisperwatch.watcher.insight.outlook import Resource
from whisperwatch.watcher.settings.guide import Thresholds

_DAY_S: Final = 86_400.0
_BARS: Final = 24
_SPENT: Final = ("tokens", "money")
"""Sorts of which a month's budget is used up, and which are not by themselves full."""
_SIGNALS: Final = {"logs": "Log records", "spans": "Spans"}


def planning(report: Capacity, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """The verdict, each limited thing by its urgency, memory, and what to set to what."""
    foreseen = [one for one in report.resources if not one.why]
    sections = [
        Section("What to do", tuple(_to_do(report))),
        *(Section(one.name, tuple(_lines(one)), _status(one, thresholds)) for one in foreseen),
        *_without_forecast([one for one in report.resources if one.why], thresholds),
        Section(
            "Does the bot's process leak memory?", (leaks.told(report.memory),), leaks.status(report.memory)
        ),
    ]
    amounts = tuple(_amounts(report))
    if amounts:
        sections.append(Section("What came in this time", amounts))
    if report.unmeasured:
        sections.append(Section("Not measured", report.unmeasured))
    return page("Capacity", report.basis, (_verdict(report),), tuple(sections))


def _verdict(report: Capacity) -> str:
    known = [one for one in report.resources if one.full is not None]
    full = [one.name for one in known if one.full == Reach(0.0, 0.0, 0.0)]
    if full:
        return f"Full now: {', '.join(full)}."
    if not known:
        most = max(report.resources, key=lambda one: one.share or 0.0, default=None)
        used = (
            f"{most.name} is used most, to {number(most.share, '1')}. "
            if most is not None and most.share
            else ""
        )
        return f"{used}When anything is full isn't known yet."
    first = known[0]
    assert first.full is not None
    if first.full.expected is not None:
        how = "are used up" if first.sort == "tokens" else "is used up" if first.sort in _SPENT else "is full"
        return f"{first.name} {how} first: {_when(first)}. Confidence: {first.confidence}."
    of_all = [one.horizon_s for one in known if one.sort not in _SPENT]  # a month may be over tomorrow
    looked_s = min(of_all or [one.horizon_s for one in known])
    if first.full.earliest is None:
        return f"Nothing that is measured is full within {span(looked_s)}."
    may_be = f"{first.name} may be in {span(first.full.earliest)}"
    return f"Nothing is expected to be full within {span(looked_s)}; {may_be}."


def _lines(one: Resource) -> Iterator[Line]:
    yield _use(one)
    yield from spark(thinned(one.points, _BARS), one.used.unit)
    for ahead in one.foreseeable[-1:]:
        low, expected, high = (
            number(value, one.used.unit) for value in (ahead.low, ahead.expected, ahead.high)
        )
        yield f"In {span(ahead.in_s)}: {expected}, nine times of ten {low} to {high}"
    yield f"{'Used up' if one.sort in _SPENT else 'Full'}: {_when(one)}"
    tried = f"tried from {one.origins} past moments, up to {span(one.tested_s)} ahead"
    yield f"Confidence: {one.confidence} ({tried})"


def _without_forecast(resources: Sequence[Resource], thresholds: Thresholds) -> Iterator[Section]:
    """Together, by what is missing: of a bot that has just begun it is the same of all."""
    for why in dict.fromkeys(one.why for one in resources):
        them = tuple(
            f"{symbol('degraded' if _is_nearly_full(one, thresholds) else None)}{one.name}: {_in_use(one)}"
            for one in resources
            if one.why == why
        )
        yield Section("No forecast", (sentence(why), *them))


def _use(one: Resource) -> str:
    if one.sort in _SPENT:
        return f"Used: {shown(one.used)} of {shown(one.limit)}, {number(one.share or 0.0, '1')}"
    return f"In use{'' if one.used.value is not None else ' now'}: {_in_use(one)}; at most {shown(one.peak)}"


def _in_use(one: Resource) -> str:
    text = shown(one.used)
    if one.used.unit != "1":
        text += f" of {shown(one.limit)}"
        text += "" if one.share is None else f", {number(one.share, '1')}"
    return text


def _when(one: Resource) -> str:
    """`in 12 days (9 days to 20 days)`."""
    full = one.full or Reach(None, None, None)
    if full == Reach(0.0, 0.0, 0.0):
        return "now"
    within = f"within {span(one.horizon_s)}"
    if full.earliest is None:
        return f"not {within}"
    latest = "later than " + span(one.horizon_s) if full.latest is None else span(full.latest)
    if full.expected is None:
        return f"not expected {within}; in {span(full.earliest)} at the earliest"
    return f"in {span(full.expected)} ({span(full.earliest)} to {latest})"


def _status(one: Resource, thresholds: Thresholds) -> str | None:
    full = one.full
    if full is None:
        return "unknown" if one.share is None else None
    if full.expected is not None and full.expected < 2 * _DAY_S:
        return "unhealthy"
    soon = full.expected is not None and full.expected <= 30 * _DAY_S
    return "degraded" if soon or _is_nearly_full(one, thresholds) else "healthy"


def _is_nearly_full(one: Resource, thresholds: Thresholds) -> bool:
    return one.sort not in _SPENT and (one.share or 0.0) >= verdicts.nearly_full(one.sort, thresholds)


def _to_do(report: Capacity) -> Iterator[Line]:
    for one in report.recommendations:
        instead = "" if one.now.value is None else f" instead of {_amount(one.now)}"
        known = {what: figure for what, figure in one.because.items() if figure.value is not None}
        yield f"{one.of}: {one.setting}: {_amount(one.value)}{instead}"
        yield f"Because: {', '.join(f'{what} {_amount(figure)}' for what, figure in known.items())}"
    if not report.recommendations:
        yield "Nothing: no figure speaks for a change."


def _amount(figure: Figure) -> str:
    if figure.value is None:
        return UNKNOWN
    if figure.unit == "d":
        return span(figure.value * _DAY_S)
    return number(figure.value, figure.unit)


def _amounts(report: Capacity) -> Iterator[Line]:
    """What nothing limits by itself."""
    records = {_SIGNALS.get(signal, signal): count for signal, count in report.volume.items()}
    for name, amount in {"LLM tokens": report.tokens, **records}.items():
        if amount.value is not None:
            yield named(name, amount)
