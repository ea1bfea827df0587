"""`engagement`, `cache`, `memory`: reports of what the bot is used for, as pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from whisperwatch.watcher.answers import verdicts
from whisperwatch.watcher.answers.figures import named, page, shown, spark
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.usage import Caches, Engagement, MemorySystem
from whisperwatch.watcher.settings.guide import Thresholds

_WINDOWS: Final = {"day": "Today", "week": "In a week", "month": "In a month"}
_RETURNED: Final = {
    "day": "Yesterday, of the day before",
    "week": "In the last 7 days, of the 7 before",
}
_SOURCES: Final = {
    "api": "as the bot's code says",
    "reaction": "by reactions",
    "asked_again": "as the same was asked again within a minute",
    "left_after_error": "as nothing more was said after an error",
}


def engagement(report: Engagement, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """Who talks with the bot, who comes back, and how it goes; below each, where its figures are from."""
    today = report.users.get("day")
    judged = verdicts.users(today or Figure(), thresholds)
    verdict = "Active users are not known." if today is None else f"{shown(today)} users were answered today."
    sections = (
        _section(
            "Active users",
            list(_users(report)),
            "From: whom the bot answered, each user once; a day is UTC's.",
        ),
        _section("Who came back", list(_returned(report)), "From: the same, of complete days."),
        _section(
            "Conversations",
            list(_conversations(report)),
            "From: one user in one channel with gaps under 30 minutes, or as the bot's code says.",
        ),
        _section("What was thought of answers", list(_feedback(report)), ""),
        _section(
            "Used most",
            [f"{name or 'unnamed'}: {shown(uses)}" for name, uses in report.features.items()],
            "From: commands, and what the bot's code says is a feature.",
        ),
    )
    lines = (verdict, *verdicts.told(judged))
    kept = tuple(one for one in sections if one is not None)
    return page("Engagement", report.basis, lines, kept, verdicts.status(judged))


def _users(report: Engagement) -> Iterator[Line]:
    for window, name in _WINDOWS.items():
        if window in report.users:
            yield named(name, report.users[window])
            yield from spark(report.users_trend.get(window, ()), "{user}")


def _section(title: str, lines: Sequence[Line], source: str) -> Section | None:
    """None where there is nothing to say."""
    return Section(title, (*lines, *([source] if source else []))) if lines else None


def _returned(report: Engagement) -> Iterator[Line]:
    for window, share in report.retention.items():
        if share.value is not None:
            back, before = report.returned[window].value or 0.0, report.before[window].value or 0.0
            yield f"{_RETURNED[window]}: {shown(share)}, {back:,.0f} of {before:,.0f} users"


def _conversations(report: Engagement) -> Iterator[Line]:
    yield named("Begun", report.conversations)
    yield from spark(report.conversations_trend, report.conversations.unit)
    yield from _known("Ended", report.ended)
    if report.ended.value:
        yield named("… after one message of the user's", report.one_turn_rate)
        yield named("… after an error", report.error_rate)
    yield from _known("Messages of the user's in one, on average", report.turns)
    yield from _known("Length, on average", report.duration)


def _feedback(report: Engagement) -> Iterator[Line]:
    if report.satisfaction.value is not None:
        yield named("Liked", report.satisfaction)
    for what, by_source in (("Good", report.liked), ("Bad", report.disliked)):
        for source, count in by_source.items():
            yield named(f"{what}, {_SOURCES.get(source, source)}", count)


def caches(report: Caches) -> Page:
    """What the caches have had of what they were asked for."""
    if not report.caches or report.hit_rate.value is None:
        return page("Caches", report.basis, ("No cache was asked in this time.",))
    verdict = f"Of 100 look-ups {report.hit_rate.value * 100:.0f} were hits."
    together = (named("Hits", report.hit_rate), named("Look-ups", report.lookups))
    lines = (verdict, *(together if len(report.caches) > 1 else ()))
    sections = tuple(
        Section(
            one.name or "unnamed",
            (
                named("Hits", one.hit_rate),
                named("Look-ups", one.lookups),
                *_known("Evictions", one.evictions),
            ),
        )
        for one in report.caches
    )
    return page("Caches", report.basis, lines, sections)


def memory(report: MemorySystem) -> Page:
    """What the bot remembers, how fast, and how well."""
    if not report.operations:
        return page("Memory system", report.basis, ("Nothing was retrieved or stored in this time.",))
    failures = report.failure_rate.value or 0.0
    verdict = "Nothing failed." if not failures else f"{number(failures, '1')} of all operations failed."
    sections = tuple(
        Section(
            one.name.capitalize() or "Unnamed",
            (
                named("Operations", one.count),
                named("P95", one.p95),
                named("Failed", one.failed),
                *_known("Memories each", one.items),
            ),
        )
        for one in report.operations
    )
    lines = (verdict, *_known("Relevance of the best, on average", report.relevance))
    return page("Memory system", report.basis, lines, sections)


def _known(name: str, figure: Figure) -> Iterator[str]:
    """A line of what not every bot has, or not yet: nothing where it isn't known."""
    if figure.value is not None:
        yield named(name, figure)
