"""`engagement`, `cache`, `memory`: reports of what the bot is used for, as pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch.watcher.answers import verdicts
from whisperwatch.watcher.answers.figures import named, page, shown, spark
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section, Sketch
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.usage import Caches, Engagement, MemorySystem
from whisperwatch.watcher.settings.guide import Thresholds

_WINDOWS: Final = {"day": "Today", "week": "In a week", "month": "In a month"}


def engagement(report: Engagement, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """Who talks with the bot."""
    today = report.users.get("day")
    judged = verdicts.users(today or Figure(), thresholds)
    verdict = "Active users are not known." if today is None else f"{shown(today)} users were answered today."
    users = tuple(_users(report))
    talk: tuple[Line, ...] = (
        named("Conversations begun", report.conversations),
        *_sketch(report.conversations_trend, report.conversations.unit),
        named("Messages in one, on average", report.turns),
        named("Length, on average", report.duration),
        named("Liked", report.satisfaction),
    )
    features = tuple(f"{name or 'unnamed'}: {shown(uses)}" for name, uses in report.features.items())
    sections = [
        Section("Active users", users),
        Section("Conversations", talk),
        Section("Used most", features),
    ]
    lines = (verdict, *verdicts.told(judged))
    kept = tuple(one for one in sections if one.lines)
    return page("Engagement", report.basis, lines, kept, verdicts.status(judged))


def _users(report: Engagement) -> Iterator[Line]:
    for window, name in _WINDOWS.items():
        if window in report.users:
            yield named(name, report.users[window])
            yield from _sketch(report.users_trend.get(window, ()), "{user}")


def _sketch(points: tuple[float | None, ...], unit: str) -> Iterator[Line]:
    if any(point is not None for point in points):
        yield Sketch(spark(points, unit))


def caches(report: Caches) -> Page:
    """What the caches have had of what they were asked for."""
    if not report.caches or report.hit_rate.value is None:
        return page("Caches", report.basis, ("No cache was asked in this time.",))
    verdict = f"Of 100 look-ups {report.hit_rate.value * 100:.0f} were hits."
    lines = (verdict, named("Hits", report.hit_rate), named("Look-ups", report.lookups))
    sections = tuple(
        Section(
            one.name or "unnamed",
            (
                named("Hits", one.hit_rate),
                named("Look-ups", one.lookups),
                *((named("Evictions", one.evictions),) if one.evictions.value is not None else ()),
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
            one.name or "unnamed",
            (
                named("Operations", one.count),
                named("P95", one.p95),
                named("Failed", one.failed),
                named("Memories each", one.items),
            ),
        )
        for one in report.operations
    )
    lines = (verdict, named("Relevance of the best, on average", report.relevance))
    return page("Memory system", report.basis, lines, sections)
