"""What a month may take: how much of it is gone, and when it will be, of a bot that takes the same each hour."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from whisperwatch.watcher.insight.budgets import Budget, budgets
from whisperwatch.watcher.insight.capacity import Capacity, capacity
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.outlook import Resource
from whisperwatch.watcher.insight.spending import spending
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.resolving import Kept

from .conftest import HOUR, NOW, Bot

DAY = 24 * HOUR
MODEL = {"gen_ai.request.model": "large"}
BEGAN = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
ENDS = datetime(2027, 2, 1, tzinfo=UTC).timestamp()


def live(bot: Bot, hours: int, tokens: int, limit: float | None = None) -> None:
    """So many tokens an hour until now."""
    for ago in range(hours, -1, -1):
        if ago < hours:
            bot.measure("gen_ai.client.token.usage", tokens, attributes=MODEL)
        bot.level("process.memory.usage", 1e8)
        if limit is not None and ago == 0:
            bot.level("bot.llm.budget.tokens", limit)
        bot.at(ago * HOUR + 1)


def of_tokens(report: Capacity) -> Resource:
    (found,) = (one for one in report.resources if one.sort == "tokens")
    return found


def test_now_is_in_the_month_that_is_meant() -> None:
    assert BEGAN < NOW < ENDS


async def test_what_is_used_since_the_month_began(bot: Bot) -> None:
    hours = int((NOW - BEGAN) // HOUR) + 48
    live(bot, hours, 100, 1e6)
    found = await budgets(bot.asking)
    used = found["tokens"].used.value
    assert used == pytest.approx(100 * (hours - 48), abs=200)
    assert found == {"tokens": Budget(Figure(used, "{token}"), Figure(1e6, "{token}"), ENDS - NOW)}
    assert (await spending(bot.asking, DAY)).budgets == found


async def test_what_is_kept_no_longer_than_the_month_is_said(bot: Bot) -> None:
    """As on the 31st, where metrics are kept for 30 days."""
    live(bot, int((NOW - BEGAN) // HOUR), 100, 1e6)
    kept = Kept(metrics_s=5 * DAY)
    asking = Asking(bot.asking._engines, kept=lambda: kept, now=lambda: NOW)
    found = (await budgets(asking))["tokens"]
    assert found.since == pytest.approx(NOW - 5 * DAY, abs=HOUR)
    assert found.used.value == pytest.approx(100 * 5 * 24, abs=200)
    for report in (await spending(asking, DAY), await capacity(asking, DAY)):
        (note,) = report.basis.notes
        assert note.startswith("this month's budget is counted from 2027-01-")
        assert note.endswith(" UTC on: what was before isn't kept any more")


async def test_when_it_is_used_up(bot: Bot) -> None:
    """1000 an hour; there are so many left as it takes in five days."""
    live(bot, 7 * 24, 1000)
    used = 1000 * min(7 * 24, (NOW - BEGAN) // HOUR)
    bot.level("bot.llm.budget.tokens", used + 1000 * 5 * 24)
    bot.at(0)
    found = of_tokens(await capacity(bot.asking, 7 * DAY))
    assert found.full is not None
    assert found.full.expected == pytest.approx(5 * DAY, rel=0.05)
    assert found.confidence in ("high", "moderate")
    assert found.used.value == pytest.approx(used, abs=1000)
    assert all(point is None or 0 <= point <= used for point in found.points)


async def test_no_further_than_this_month(bot: Bot) -> None:
    live(bot, 7 * 24, 1000)
    enough = 1000 * (ENDS - BEGAN) / HOUR * 2
    bot.level("bot.llm.budget.tokens", enough)
    bot.at(0)
    found = of_tokens(await capacity(bot.asking, 7 * DAY))
    assert found.full is not None
    assert found.full.expected is None
    assert found.horizon_s <= ENDS - NOW + HOUR


async def test_it_is_used_up(bot: Bot) -> None:
    live(bot, 48, 1000, 500.0)
    found = of_tokens(await capacity(bot.asking, 7 * DAY))
    assert found.full is not None
    assert (found.full.expected, found.full.earliest) == (0.0, 0.0)


async def test_without_a_budget_it_is_said_what_to_set(bot: Bot) -> None:
    live(bot, 48, 1000)
    assert await budgets(bot.asking) == {}
    report = await capacity(bot.asking, 7 * DAY)
    assert (
        "This month's LLM tokens: no budget is set (LLM_TOKEN_BUDGET), or nothing was spent"
        in report.unmeasured
    )


async def test_nothing_spent_is_not_known(bot: Bot) -> None:
    """Money of which there are no prices is not 0."""
    bot.level("bot.llm.budget.cost", 20.0)
    bot.level("process.memory.usage", 1e8)
    bot.at(1)
    found = await budgets(bot.asking)
    assert found["money"].used.value is found["money"].share is None
    assert "money" not in {one.sort for one in (await capacity(bot.asking, DAY)).resources}
