"""What the bot is used for: who talks with it, what its caches and its memory are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.insight.figures import Basis, Figure, Figures, ask, ask_in_steps
from whisperwatch.watcher.insight.starts import STARTS, Start, starts
from whisperwatch.watcher.query.asking import Asking

_TOP: Final = 5
_DAY_S: Final = 86_400.0
_FEW_DAYS: Final = 2
_MOST_DAYS: Final = 60
_WINDOWS: Final = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Engagement:
    """Who talks with the bot, and how.

    Attributes:
        users: by `day`, `week`, `month`: to whom the bot answered, now and one period ago.
        conversations: that were begun.
        turns, duration: means of those that ended.
        feedback: by `positive`, `neutral`, `negative`.
        features: those used most.
        users_trend: by window, points of `users`, the oldest first; a day's begin anew at midnight (UTC).
        conversations_trend: points of `conversations`.
        times: the ends, in unix seconds, of the steps that the points tell of: of days, in more than two days.
        starts: of the bot, in this time.
    """

    basis: Basis
    users: Mapping[str, Figure]
    conversations: Figure
    turns: Figure
    duration: Figure
    feedback: Mapping[str, Figure]
    features: Mapping[str, Figure]
    users_trend: Mapping[str, tuple[float | None, ...]]
    conversations_trend: tuple[float | None, ...]
    times: tuple[int, ...]
    starts: tuple[Start, ...]

    @property
    def satisfaction(self) -> Figure:
        """Positive feedback over positive and negative."""
        none = Figure()
        good = self.feedback.get("positive", none)
        return good.over(good + self.feedback.get("negative", none))


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache. `hit_rate` over all look-ups; `evictions` None where nobody counts them."""

    name: str
    lookups: Figure
    hit_rate: Figure
    evictions: Figure


@dataclass(frozen=True, slots=True)
class Caches:
    """All caches together, and each, the busiest first."""

    basis: Basis
    lookups: Figure
    hit_rate: Figure
    caches: tuple[Cache, ...]


@dataclass(frozen=True, slots=True)
class MemoryOperation:
    """One kind of operation on the bot's memory. `p95` in seconds; `items` is a mean."""

    name: str
    count: Figure
    p95: Figure
    failed: Figure
    items: Figure


@dataclass(frozen=True, slots=True)
class MemorySystem:
    """The bot's memory. `relevance`: mean of how well the best of each retrieval fits, from 0 to 1."""

    basis: Basis
    operations: tuple[MemoryOperation, ...]
    relevance: Figure

    @property
    def failure_rate(self) -> Figure:
        """Failed operations over all."""
        count, failed = Figure(), Figure()
        for one in self.operations:
            count, failed = count + one.count, failed + one.failed
        return failed.over(count)


async def engagement(asking: Asking, over_s: float) -> Engagement:
    """Of the last `over_s` seconds."""
    questions = {
        "users": "last(bot.users.active) by bot.users.window",
        "conversations": "increase(bot.conversations)",
        "turns": "avg(bot.conversation.turns)",
        "duration": "avg(bot.conversation.duration)",
        "feedback": "increase(bot.feedback) by bot.feedback.value",
        "features": f"top {_TOP} increase(bot.feature.uses) by bot.feature.name",
    }
    found = await ask(asking, questions, over_s)
    over_s = min(over_s, found.basis.over_s)
    fine = await _trends(asking, over_s)
    return Engagement(
        found.basis,
        found.groups("users"),
        found.figure("conversations"),
        found.figure("turns"),
        found.figure("duration"),
        found.groups("feedback"),
        {name: uses for name, uses in found.groups("features").items() if uses.value},
        {name: fine.trend(name) for name in _WINDOWS},
        fine.trend("conversations"),
        fine.times("conversations"),
        starts(fine.trends("starts"), found.basis.start),
    )


async def _trends(asking: Asking, over_s: float) -> Figures:
    questions = {name: f"max(bot.users.active where bot.users.window = {name})" for name in _WINDOWS}
    questions |= {"conversations": "increase(bot.conversations)", "starts": STARTS}
    if over_s <= _FEW_DAYS * _DAY_S:
        return await ask_in_steps(asking, questions, over_s)
    days = max(1, round(over_s / _DAY_S / _MOST_DAYS))
    return await ask(asking, questions, over_s, days * _DAY_S)


async def caches(asking: Asking, over_s: float) -> Caches:
    """Of the last `over_s` seconds."""
    questions = {
        "lookups": "increase(bot.cache.requests) by bot.cache.name",
        "hits": "increase(bot.cache.requests where bot.cache.result = hit) by bot.cache.name",
        "evictions": "increase(bot.cache.evictions) by bot.cache.name",
    }
    found = await ask(asking, questions, over_s)
    lookups, hits, evictions = (found.groups(name) for name in questions)
    none = Figure()
    each = tuple(
        Cache(name, figure, hits.get(name, none).over(figure), evictions.get(name, none))
        for name, figure in lookups.items()
        if figure.value
    )
    together, hit = none, none
    for one in each:
        together, hit = together + one.lookups, hit + hits.get(one.name, none)
    return Caches(found.basis, together, hit.over(together), each)


async def memory(asking: Asking, over_s: float) -> MemorySystem:
    """Of the last `over_s` seconds."""
    by = "by bot.memory.operation"
    questions = {
        "count": f"increase(bot.memory.operation.duration) {by}",
        "p95": f"p95(bot.memory.operation.duration) {by}",
        "failed": f"increase(bot.memory.operation.duration where outcome = failure) {by}",
        "items": f"avg(bot.memory.operation.items) {by}",
        "relevance": "avg(bot.memory.retrieval.relevance)",
    }
    found = await ask(asking, questions, over_s)
    count, p95, failed, items = (found.groups(name) for name in ("count", "p95", "failed", "items"))
    seconds, none = Figure(unit="s"), Figure(unit="{item}")
    operations = tuple(
        MemoryOperation(
            name,
            figure,
            p95.get(name, seconds),
            failed.get(name, Figure(0.0, figure.unit)),
            items.get(name, none),
        )
        for name, figure in count.items()
        if figure.value
    )
    return MemorySystem(found.basis, operations, found.figure("relevance"))
