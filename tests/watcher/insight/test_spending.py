"""What language models take, of a bot whose calls are known."""

from __future__ import annotations

from typing import Any

import pytest

from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.spending import spending

from .conftest import HOUR, Bot

DAY = 24 * HOUR


def call(bot: Bot, model: str, feature: str, given: int, answered: int, usd: float | None = None) -> None:
    of_model: dict[str, Any] = {"gen_ai.request.model": model}
    used = {**of_model, "bot.feature.name": feature}
    bot.measure("gen_ai.client.operation.duration", 0.5, attributes=of_model)
    bot.count("bot.llm.calls", 1, used)
    for kind, tokens in (("input", given), ("output", answered)):
        of_kind = {"gen_ai.token.type": kind}
        bot.measure("gen_ai.client.token.usage", tokens, attributes={**of_model, **of_kind})
        bot.count("bot.llm.tokens", tokens, {**used, **of_kind})
    if usd is not None:
        bot.count("bot.llm.cost", usd, used)


async def test_tokens_and_money_by_model_and_feature(bot: Bot) -> None:
    call(bot, "large", "ask", 1000, 100, 0.5)
    bot.count("discord.messages.handled", 1)
    bot.level("process.uptime", 60)
    bot.at(DAY + 1800)  # in the period before
    call(bot, "large", "ask", 2000, 400, 1.0)
    call(bot, "large", "message", 100, 10, 0.05)
    call(bot, "small", "message", 300, 40)
    bot.count("discord.messages.handled", 4)
    bot.at(DAY - 60)
    bot.level("process.uptime", DAY)
    bot.at(1800)
    report = await spending(bot.asking, DAY)
    large, small = report.models
    assert (large.name, small.name) == ("large", "small")
    assert (large.calls.value, large.input.value, large.output.value) == (2, 2100, 410)
    assert large.input == Figure(2100, "{token}", 1000)
    assert (large.money.value, large.money.before) == (pytest.approx(1.05), 0.5)
    assert (small.tokens.value, small.money) == (340, Figure(None, "{USD}", None))
    assert [(one.name, one.calls.value, one.tokens.value) for one in report.features] == [
        ("ask", 1, 2400), ("message", 2, 450),
    ]  # fmt: skip
    assert report.features[0].tokens.before == 1100
    assert report.whole.tokens == Figure(2850, "{token}", 1100)
    assert report.unpriced == ("small",)
    assert report.tokens_per_answer == Figure(712.5, "{token}", 1100)
    assert report.money_per_answer.value == pytest.approx(1.05 / 4)
    assert report.measured_s == DAY
    assert report.tokens_a_month.value == pytest.approx(2850 * 30)
    assert report.money_a_month.value == pytest.approx(1.05 * 30)


async def test_a_month_goes_by_the_time_that_was_watched(bot: Bot) -> None:
    """A bot that has been there for ten minutes doesn't take in a day what it took in these."""
    bot.level("process.uptime", 600)
    bot.at(30)
    call(bot, "large", "ask", 100, 20)
    bot.at(15)
    report = await spending(bot.asking, DAY)
    assert report.measured_s == 600
    assert report.tokens_a_month.value == pytest.approx(120 * 30 * 86_400 / 600)
    assert report.money_a_month == Figure(None, "{USD}")


async def test_nothing_was_called(bot: Bot) -> None:
    report = await spending(bot.asking, DAY)
    assert report.models == report.features == report.unpriced == ()
    assert report.whole.tokens.value is report.whole.calls.value is report.tokens_a_month.value is None
