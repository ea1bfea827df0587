"""What language models may take in a month, how much of that is gone, and when it will be.

A month is a calendar month, UTC's, as providers bill. What is spent grows for ever, so what is forecast is the sum
since the period's begin, moved so that it is now what this month has taken; and no further than this month, for the
next has a budget of its own.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from whisperwatch.watcher.insight.figures import Figure, ask
from whisperwatch.watcher.insight.limits import Limited
from whisperwatch.watcher.insight.outlook import Resource, resource
from whisperwatch.watcher.query.asking import Asking

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3600.0
"""So far a period's begin may be moved to where a point is."""
_LEAST_S: Final = 60.0
BUDGETS: Final[tuple[Limited, ...]] = (
    Limited(
        "tokens", "This month's LLM tokens", "sum(gen_ai.client.token.usage)", "last(bot.llm.budget.tokens)",
        "{token}", unless="no budget is set (LLM_TOKEN_BUDGET), or nothing was spent",
    ),
    Limited(
        "money", "This month's LLM cost", "increase(bot.llm.cost)", "last(bot.llm.budget.cost)",
        "{USD}", unless="no budget is set (LLM_COST_BUDGET), or no price",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Budget:
    """What a month may take, and has taken.

    Attributes:
        left_s: until the month ends.
        since: from when on (unix seconds) it is counted, where that is later than the month began, for what was before
            isn't kept any more; else None.
    """

    used: Figure
    limit: Figure
    left_s: float
    since: float | None = None

    @property
    def share(self) -> float | None:
        """Of the limit, what is used; None where that isn't known."""
        return None if self.used.value is None else self.used.over(self.limit).value


async def budgets(asking: Asking) -> dict[str, Budget]:
    """By `tokens` and `money`: those that are set.

    Raises:
        QuestionError: nobody keeps metrics.
    """
    now = asking.now()
    since_s, left_s = _month(now)
    questions = {name: asked for one in BUDGETS for name, asked in one.questions().items()}
    found = await ask(asking, questions, max(_LEAST_S, since_s))
    cut = found.basis.start - (now - since_s) > _HOUR_S
    since = found.basis.start if cut else None
    made = {}
    for one in BUDGETS:
        used, limit = found.figure(f"{one.sort} used"), found.figure(f"{one.sort} limit")
        if limit.value is not None:
            figures = Figure(used.value, one.unit), Figure(limit.value, one.unit)
            made[str(one.sort)] = Budget(*figures, left_s, since)
    return made


def uncounted(set_: Mapping[str, Budget]) -> tuple[str, ...]:
    """What is to be known of them: a month has up to 31 days, and a store may keep fewer."""
    since = next((budget.since for budget in set_.values() if budget.since is not None), None)
    if since is None:
        return ()
    day = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"
    return (f"this month's budget is counted from {day} on: what was before isn't kept any more",)


def outlook(
    limited: Limited, budget: Budget, spent: tuple[float | None, ...], step_s: float
) -> Resource | None:
    """What is used of a budget, and when it is used up; None where nothing is known of what was spent.

    Args:
        spent: in each step of `step_s` seconds.
    """
    if budget.used.value is None:
        return None
    made = resource(limited, "", _so_far(spent, budget.used.value), budget.limit.value, step_s, budget.left_s)
    if made is None:
        return None
    of_month = tuple(None if point is None or point < 0 else point for point in made.points)
    return replace(made, used=budget.used, peak=budget.used, points=of_month)


def _so_far(spent_each: tuple[float | None, ...], used: float) -> tuple[float | None, ...]:
    """The sums up to each point, of which the last is `used`: negative is what an earlier month has taken."""
    first = next((at for at, amount in enumerate(spent_each) if amount is not None), len(spent_each))
    sums, total = [], 0.0
    for amount in spent_each[first:]:
        total += amount or 0.0
        sums.append(total)
    return (*spent_each[:first], *(one - total + used for one in sums))


def _month(now: float) -> tuple[float, float]:
    """Seconds since this month began, and until it ends."""
    today = datetime.fromtimestamp(now, UTC)
    began = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
    days = calendar.monthrange(today.year, today.month)[1]
    return now - began, began + days * _DAY_S - now
