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
        before, returned: by `day` and `week`, how many there were in the complete window before the last complete one,
            and how many of them came back in that.
        conversations: that were begun.
        turns, duration: means of those that ended.
        ends: of those that ended, how many by `error`, after `one_turn`, or with `more`.
        feedback: by `positive`, `neutral`, `negative`.
        liked, disliked: positive and negative feedback by its source.
        features: those used most.
        users_trend: by window, points of `users`, the oldest first; a day's begin anew at midnight (UTC).
        conversations_trend: points of `conversations`.
        times: the ends, in unix seconds, of the steps that the points tell of: of days, in more than two days.
        starts: of the bot, in this time.
    """

    basis: Basis
    users: Mapping[str, Figure]
    before: Mapping[str, Figure]
    returned: Mapping[str, Figure]
    conversations: Figure
    turns: Figure
    duration: Figure
    ends: Mapping[str, Figure]
    feedback: Mapping[str, Figure]
    liked: Mapping[str, Figure]
    disliked: Mapping[str, Figure]
    features: Mapping[str, Figure]
    users_trend: Mapping[str, tuple[float | None, ...]]
    conversations_trend: tuple[float | None, ...]
    times: tuple[int, ...]
    starts: tuple[Start, ...]

    @property
    def retention(self) -> Mapping[str, Figure]:
        """By window, the share of those who were there before that came back."""
        return {
            window: self.returned.get(window, Figure()).over(users) for window, users in self.before.items()
        }

    @property
    def ended(self) -> Figure:
        """How many conversations ended."""
        whole = Figure(unit="{conversation}")
        for one in self.ends.values():
            whole += one
        return whole

    @property
    def one_turn_rate(self) -> Figure:
        """Of the conversations that ended, those with one turn, which did not fail."""
        return self.ends.get("one_turn", Figure()).over(self.ended)

    @property
    def error_rate(self) -> Figure:
        """Of the conversations that ended, those whose last turn failed."""
        return self.ends.get("error", Figure()).over(self.ended)

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
        "before": "last(bot.users.before) by bot.users.window",
        "returned": "last(bot.users.returned) by bot.users.window",
        "conversations": "increase(bot.conversations)",
        "turns": "avg(bot.conversation.turns)",
        "duration": "avg(bot.conversation.duration)",
        "ends": "increase(bot.conversation.ends) by bot.conversation.end",
        "feedback": "increase(bot.feedback) by bot.feedback.value",
        "liked": "increase(bot.feedback where bot.feedback.value = positive) by bot.source",
        "disliked": "increase(bot.feedback where bot.feedback.value = negative) by bot.source",
        "features": f"top {_TOP} increase(bot.feature.uses) by bot.feature.name",
    }
    found = await ask(asking, questions, over_s)
    over_s = min(over_s, found.basis.over_s)
    fine = await _trends(asking, over_s)
    return Engagement(
        found.basis,
        found.groups("users"),
        found.groups("before"),
        found.groups("returned"),
        found.figure("conversations"),
        found.figure("turns"),
        found.figure("duration"),
        found.groups("ends"),
        found.groups("feedback"),
        _some(found.groups("liked")),
        _some(found.groups("disliked")),
        _some(found.groups("features")),
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


def _some(counts: Mapping[str, Figure]) -> dict[str, Figure]:
    """Without those that did not count."""
    return {name: count for name, count in counts.items() if count.value}


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
