"""When what is full, of bots whose figures are known; what to do; and that nothing is said of what isn't measured."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from whisperwatch.watcher.insight.capacity import Capacity, capacity
from whisperwatch.watcher.insight.limits import LIMITED
from whisperwatch.watcher.insight.outlook import Resource
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.query.language.checking import measures_of
from whisperwatch.watcher.query.language.parsing import parse

from .conftest import HOUR, Bot

WEEK = 7 * 24
POOL = {"db.client.connection.pool.name": "db:5432/bot"}
USED = {**POOL, "db.client.connection.state": "used"}
ROOT = {"system.filesystem.mountpoint": "/"}


async def of_a_week(bot: Bot, write: Callable[[int, float], None]) -> Capacity:
    """`write` sets the figures of each hour, with noise around 0."""
    random = Random(5)
    for hour in range(WEEK):
        write(hour, random.gauss(0, 1))
        bot.at((WEEK - 1 - hour) * HOUR + 60)
    return await capacity(bot.asking, WEEK * HOUR)


def one(report: Capacity, name: str) -> Resource:
    (found,) = (resource for resource in report.resources if resource.name == name)
    return found


async def test_a_disk_that_fills(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        share = 0.5 + 0.002 * hour + noise * 0.002
        bot.level("system.filesystem.utilization", share, ROOT)
        bot.level("system.filesystem.usage", share * 1e11, {**ROOT, "system.filesystem.state": "used"})
        bot.level("system.filesystem.usage", (1 - share) * 1e11, {**ROOT, "system.filesystem.state": "free"})

    report = await of_a_week(bot, write)
    disk = one(report, "Disk /")
    assert disk.share == pytest.approx(0.834, abs=0.01)
    assert disk.full is not None
    assert disk.full.expected == pytest.approx(83 * HOUR, rel=0.1)
    assert disk.full.earliest is not None
    assert disk.full.latest is not None
    assert disk.full.earliest < 83 * HOUR < disk.full.latest
    assert disk.confidence in ("high", "moderate")
    assert len(report.times) == len(disk.points)
    assert disk.course[-1].in_s == report.basis.over_s
    assert disk.course[-1].expected == pytest.approx(1.17, abs=0.02)
    assert all(at.low <= at.expected <= at.high for at in disk.course)
    assert [at.in_s for at in disk.course] == sorted({at.in_s for at in disk.course})
    (advice,) = report.recommendations
    assert (advice.of, advice.setting) == ("Disk /", "the disk's size")
    assert advice.now.value == pytest.approx(1e11)
    assert advice.value.value == pytest.approx(1.17 / 0.75 * 1e11, rel=0.05)  # what is expected in a week


async def test_a_pool_that_is_too_small(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        busy = 8 <= hour % 24 < 20
        bot.level("db.client.connection.count", 8 if busy else 2, USED)
        bot.level(
            "db.client.connection.count", 0 if busy else 6, {**POOL, "db.client.connection.state": "idle"}
        )
        bot.level("db.client.connection.max", 8, POOL)
        bot.level("db.client.connection.pending_requests", 4 if busy else 0, POOL)
        bot.measure("db.client.connection.wait_time", 0.2 if busy else 0.001, attributes=POOL)
        bot.count("db.client.connection.timeouts", 1 if hour == 100 else 0, POOL)

    report = await of_a_week(bot, write)
    (advice,) = report.recommendations
    assert (advice.of, advice.value.value, advice.now.value) == ("Pool db:5432/bot", 16, 8)
    assert advice.setting.startswith("DATABASE_POOL_SIZE")
    because = {what: figure.value for what, figure in advice.because.items()}
    assert (because["in use at most"], because["waiting at most"], because["given up"]) == (8, 4, 1)
    assert one(report, "Pool db:5432/bot").peak.value == 8


async def test_a_pool_that_is_large_enough_is_let_alone(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        bot.level("db.client.connection.count", 3, USED)
        bot.level("db.client.connection.max", 10, POOL)

    report = await of_a_week(bot, write)
    assert report.recommendations == ()
    pool = one(report, "Pool db:5432/bot")
    assert pool.full is not None
    assert (pool.full.earliest, pool.full.expected, pool.share) == (None, None, 0.3)


async def test_a_process_that_leaks(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        bot.level("process.memory.usage", 2e8 + 2e6 * hour + noise * 1e6)
        bot.level("process.uptime", (hour + 1) * HOUR)
        bot.level("system.memory.limit", 1e9)

    report = await of_a_week(bot, write)
    assert (report.memory.verdict, report.memory.a_day) == ("leaks", pytest.approx(48e6, rel=0.05))
    memory = one(report, "Memory of the bot's process")
    assert memory.full is not None
    assert memory.full.expected == pytest.approx((8e8 - 2e6 * WEEK) / 2e6 * HOUR, rel=0.1)
    (advice,) = report.recommendations
    assert advice.value.value == 12  # from 200 MB to 800 MB, 48 MB a day


async def test_restarts_are_told_by_the_process_age(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        bot.level("process.memory.usage", 2e8 + 4e5 * (hour % 84) + noise * 1e6)
        bot.level("process.uptime", (hour % 84 + 1) * HOUR)

    report = await of_a_week(bot, write)
    assert (report.memory.verdict, report.memory.days) == ("leaks", 7.0)


async def test_budgets_of_discord(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        bot.level("discord.gateway.identify.remaining", 950 - hour % 24)
        bot.level("discord.gateway.identify.limit", 1000)
        bot.level("discord.shard.guilds", 2100 + hour, {"discord.shard.id": "0"})
        bot.level("discord.shard.guilds", 500, {"discord.shard.id": "1"})
        bot.level("discord.guilds", 2600 + hour)
        bot.level("discord.http.invalid_requests", 5)

    report = await of_a_week(bot, write)
    assert one(report, "Gateway sessions of the day").peak.value == pytest.approx(0.073)
    assert report.resources[0].name == "Servers of the fullest shard"
    (advice,) = report.recommendations
    assert (advice.setting, advice.value.value) == ("shard_count", 3)  # 2,767 now, 2,972 in a week
    assert one(report, "Invalid requests in ten minutes").limit.value == 10_000


async def test_a_store_that_drops_what_it_should_keep(bot: Bot) -> None:
    def write(hour: int, noise: float) -> None:
        bot.level("whisperwatch.store.size", 0.99e9)
        bot.level("whisperwatch.store.limit", 1e9)
        bot.count("whisperwatch.store.dropped", hour == 150, {"signal": "logs", "reason": "size"})

    report = await of_a_week(bot, write)
    (advice,) = report.recommendations
    assert (advice.setting, advice.value.value) == ("WHISPERWATCH_STORE_SIZE", 2e9)


async def test_what_is_not_measured_is_said_and_never_0(bot: Bot) -> None:
    bot.level("system.cpu.utilization", 0.2)
    bot.at(60)
    report = await capacity(bot.asking, WEEK * HOUR)
    (cpu,) = report.resources
    assert (cpu.used.value, cpu.full, cpu.why) == (0.2, None, "a forecast takes 24 points, 60 min apart")
    assert report.memory.verdict == "not known yet"
    assert report.tokens.value is None
    assert report.recommendations == ()
    assert len(report.unmeasured) == 12
    assert "Pool: the bot has no pool of asyncpg's; others are not measured" in report.unmeasured


async def test_what_was_measured_long_ago_is_not_of_now(bot: Bot) -> None:
    bot.level("system.cpu.utilization", 0.2)
    bot.at(24 * HOUR)
    (cpu,) = (await capacity(bot.asking, WEEK * HOUR)).resources
    assert (cpu.used.value, cpu.peak.value, cpu.why) == (None, 0.2, "nothing was measured of it lately")


async def test_a_limit_that_is_not_known(bot: Bot) -> None:
    bot.level("process.memory.usage", 2e8)
    bot.at(60)
    (memory,) = (await capacity(bot.asking, WEEK * HOUR)).resources
    assert (memory.share, memory.why) == (None, "its limit is not known")


async def test_where_nobody_keeps_metrics() -> None:
    with pytest.raises(QuestionError, match="nobody keeps metrics here"):
        await capacity(Asking(Engines()), WEEK * HOUR)


@pytest.mark.parametrize(
    ("period", "step_s"), [(HOUR, 300), (24 * HOUR, 900), (WEEK * HOUR, 3600), (30 * 24 * HOUR, 7200)]
)
async def test_points_are_as_fine_as_the_period_bears(bot: Bot, period: float, step_s: float) -> None:
    assert (await capacity(bot.asking, period)).step_s == step_s


def test_what_is_limited_is_declared() -> None:
    for limited in LIMITED:
        for expression in limited.questions().values():
            question = parse(f"{expression} over 1h")
            assert all(measure.metric in DECLARED for measure in measures_of(question.expression))  # type: ignore[union-attr]
