"""Reports of a bot whose figures are known, down to the number."""

from __future__ import annotations

from itertools import pairwise

import pytest

from whisperwatch import questions
from whisperwatch.watcher.insight import performance, resources, usage
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.memory_use import memory_use
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.resolving import Kept

from .conftest import HOUR, NOW, Bot

LLM = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}


def test_the_components_are_those_that_can_be_typed() -> None:
    assert tuple(performance.COMPONENTS) == questions.COMPONENTS


async def test_performance(bot: Bot) -> None:
    for _ in range(20):
        bot.measure("discord.message.response.duration", 0.3, attributes={"discord.event.name": "message"})
    bot.count("discord.messages.handled", 20, {"discord.event.name": "message"})
    slow = {"discord.command.name": "ask", "discord.command.kind": "prefix"}
    bot.measure("discord.command.duration", 1.0, 1.0, attributes={**slow, "outcome": "ok"})
    bot.measure("discord.command.duration", 2.0, attributes={**slow, "outcome": "failure"})
    quick = {"discord.command.name": "ping", "discord.command.kind": "prefix", "outcome": "ok"}
    bot.measure("discord.command.duration", 0.002, attributes=quick)
    bot.count("discord.event.errors", 1, {"discord.event.name": "message", "error.type": "KeyError"})
    bot.count("discord.event.errors", 7, {"discord.event.name": "typing", "error.type": "KeyError"})
    bot.measure("gen_ai.client.operation.duration", 0.6, 0.7, attributes=LLM)
    bot.measure("db.client.operation.duration", 0.002, attributes={"db.system.name": "redis"})
    bot.measure("db.client.operation.duration", 0.02, 0.02, attributes={"db.system.name": "postgresql"})
    bot.at(60)
    report = await performance.performance(bot.asking, HOUR)
    assert report.response.count.value == 20
    assert report.response.p95.value == pytest.approx(0.4875)  # within the bucket from 0.25 to 0.5
    assert report.handled.value == 20
    assert report.failed.value == 2
    assert report.error_rate == Figure(0.1, "1", None)
    assert {one.name: one.count.value for one in report.components} == {"llm": 2, "database": 2, "cache": 1}
    assert [(one.name, one.count.value) for one in report.commands] == [("ask", 3), ("ping", 1)]


async def test_a_bot_that_did_nothing(bot: Bot) -> None:
    report = await performance.performance(bot.asking, HOUR)
    assert (report.response.p50.value, report.handled.value, report.failed.value) == (None, None, None)
    assert report.error_rate.value is None
    assert report.components == report.commands == ()


async def test_one_component(bot: Bot) -> None:
    bot.measure("gen_ai.client.operation.duration", 0.6, 0.7, attributes=LLM)
    bot.measure("gen_ai.client.operation.duration", 7.0, attributes={**LLM, "gen_ai.request.model": "large"})
    bot.count("bot.errors", 3, {"bot.component": "llm"})
    bot.count("bot.errors", 5, {"bot.component": "database"})
    bot.at(60)
    report = await performance.component(bot.asking, "llm", HOUR)
    assert (report.times.name, report.times.count.value, report.errors.value) == ("llm", 3, 3)
    assert [(one.name, one.count.value) for one in report.parts] == [("large", 1), ("small", 2)]
    assert report.by == "gen_ai.request.model"


async def test_history(bot: Bot) -> None:
    for ago_s, answers in ((HOUR * 20, 5), (HOUR * 1, 8)):
        bot.count("discord.messages.handled", answers)
        bot.at(ago_s)
    report = await performance.history(bot.asking, 24 * HOUR)
    (answers,) = (trend for trend in report.trends if trend.name == "Answers")
    assert (len(answers.points), report.step_s) == (24, HOUR)
    assert [value for value in answers.points if value] == [5.0, 8.0]
    assert answers.whole.value == 13
    assert len(report.times) == 24
    assert {later - time for time, later in pairwise(report.times)} == {report.step_s}


async def test_the_steps_are_those_that_are_kept(bot: Bot) -> None:
    bot.count("discord.messages.handled", 5)
    bot.at(HOUR)
    report = await performance.history(
        bot.asking, 7 * HOUR
    )  # two dozen of it are 17.5 min, and 5 min are kept
    assert report.step_s == 20 * 60
    assert {later - time for time, later in pairwise(report.times)} == {report.step_s}


async def test_a_leak_is_judged_by_the_steps_that_are_kept(bot: Bot) -> None:
    bot.level("process.memory.usage", 1e8)
    bot.at(HOUR)
    asking = Asking(bot.asking._engines, kept=lambda: Kept(raw_s=HOUR, fine_s=HOUR), now=lambda: NOW)
    report = await memory_use(asking, 7 * HOUR)
    assert (report.step_s, len(report.trend)) == (HOUR, 7)  # 5 min would have been asked for


async def test_resources(bot: Bot) -> None:
    bot.level("process.cpu.utilization", 0.2)
    bot.level("process.memory.usage", 5e8)
    bot.level("system.filesystem.utilization", 0.9, {"system.filesystem.mountpoint": "/"})
    bot.level("system.cpu.utilization", 0.6)
    bot.level("system.cpu.load_average.5m", 1.5)
    bot.count("system.disk.io", 3600, {"disk.io.direction": "write"})
    bot.at(900)
    bot.level("process.cpu.utilization", 0.4)
    bot.level("system.cpu.utilization", 0.8)
    bot.at(60)
    report = await resources.resources(bot.asking, HOUR)
    assert report.cpu.value == pytest.approx(0.3)
    assert report.memory.value == 5e8
    assert report.disks["/"].value == 0.9
    assert [value for value in report.cpu_trend if value is not None] == [0.2, 0.4]
    assert report.host_memory.value is None
    assert [value for value in report.host_cpu_trend if value is not None] == [0.6, 0.8]
    assert [figure.value for figure in report.loads.values()] == [None, 1.5, None]
    assert report.disk_io["write"].value == pytest.approx(1, rel=0.01)
    assert len(report.times) == len(report.cpu_trend) == len(report.memory_trend)


async def test_engagement(bot: Bot) -> None:
    window = {"bot.users.window": "day"}
    bot.level("bot.users.before", 10, window)
    bot.level("bot.users.returned", 2, window)
    bot.at(24 * HOUR + 60)
    bot.level("bot.users.active", 12, window)
    bot.level("bot.users.before", 8, window)
    bot.level("bot.users.returned", 6, window)
    bot.level("bot.users.before", 0, {"bot.users.window": "week"})
    bot.level("bot.users.returned", 0, {"bot.users.window": "week"})
    for end, count in (("error", 1), ("one_turn", 4), ("more", 5)):
        bot.count("bot.conversation.ends", count, {"bot.conversation.end": end})
    bot.count("bot.conversations", 9)
    bot.measure("bot.conversation.turns", 2, 6)
    bot.count("bot.feedback", 3, {"bot.feedback.value": "positive", "bot.source": "reaction"})
    bot.count("bot.feedback", 1, {"bot.feedback.value": "negative", "bot.source": "asked_again"})
    bot.count("bot.feedback", 0, {"bot.feedback.value": "negative", "bot.source": "reaction"})
    bot.count("bot.feature.uses", 0, {"bot.feature.name": "unused"})
    bot.count("bot.feature.uses", 4, {"bot.feature.name": "ask"})
    bot.at(60)
    report = await usage.engagement(bot.asking, 24 * HOUR)
    assert {window: users.value for window, users in report.users.items()} == {"day": 12}
    assert (report.conversations.value, report.turns.value, report.duration.value) == (9, 4, None)
    assert report.satisfaction.value == 0.75
    assert {source: count.value for source, count in report.liked.items()} == {"reaction": 3}
    assert {source: count.value for source, count in report.disliked.items()} == {"asked_again": 1}
    assert report.retention["day"] == Figure(0.75, "1", 0.2)
    assert report.retention["week"].value is None  # of nobody nobody can come back
    assert (report.ended.value, report.one_turn_rate.value, report.error_rate.value) == (10, 0.4, 0.1)
    assert list(report.features) == ["ask"]


async def test_engagement_over_time(bot: Bot) -> None:
    for hour in range(71, -1, -1):
        bot.level("bot.users.active", 24 - hour % 24, {"bot.users.window": "day"})
        bot.level("bot.users.active", 50, {"bot.users.window": "week"})
        bot.count("bot.conversations", 2)
        bot.at(hour * HOUR + 60)
    day = await usage.engagement(bot.asking, 24 * HOUR)
    assert day.users_trend["day"] == tuple(range(1, 25))
    assert day.conversations_trend == (2,) * 24
    days = await usage.engagement(bot.asking, 72 * HOUR)
    assert days.users_trend == {"day": (24,) * 3, "week": (50,) * 3, "month": (None,) * 3}
    assert days.conversations_trend[1:] == (48, 48)
    assert len(days.times) == 3


async def test_caches(bot: Bot) -> None:
    for cache, hits, misses in (("replies", 30, 10), ("images", 0, 5), ("idle", 0, 0)):
        bot.count("bot.cache.requests", hits, {"bot.cache.name": cache, "bot.cache.result": "hit"})
        bot.count("bot.cache.requests", misses, {"bot.cache.name": cache, "bot.cache.result": "miss"})
    bot.at(60)
    report = await usage.caches(bot.asking, 24 * HOUR)
    assert [(one.name, one.lookups.value, one.hit_rate.value) for one in report.caches] == [
        ("replies", 40, 0.75),
        ("images", 5, 0.0),
    ]
    assert report.hit_rate.value == pytest.approx(30 / 45)
    assert report.caches[0].evictions.value is None


async def test_memory(bot: Bot) -> None:
    retrieve = {"bot.memory.operation": "retrieve", "bot.source": "vector"}
    for outcome, times in (("ok", (0.01,) * 3), ("failure", (0.2,))):
        bot.measure("bot.memory.operation.duration", *times, attributes={**retrieve, "outcome": outcome})
    bot.measure("bot.memory.operation.items", 4, 2, attributes=retrieve)
    bot.measure("bot.memory.retrieval.relevance", 0.8, 0.6, attributes={"bot.source": "vector"})
    bot.at(60)
    report = await usage.memory(bot.asking, 24 * HOUR)
    (operation,) = report.operations
    assert (operation.name, operation.count.value, operation.failed.value, operation.items.value) == (
        "retrieve", 4, 1, 3,
    )  # fmt: skip
    assert report.failure_rate.value == 0.25
    assert report.relevance.value == pytest.approx(0.7)
