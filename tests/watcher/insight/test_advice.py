"""Each rule of advice speaks where its numbers are there, and is silent where one of them is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from whisperwatch.watcher.insight import advice
from whisperwatch.watcher.insight.advice import RULES, advise
from whisperwatch.watcher.insight.figures import Figure, ask

from .conftest import HOUR, Bot

SHARES = {"llm": 0.5, "database": 0.3, "cache": 0.1, "memory": 0.1, "bot": 0.2}
POOL = {"db.client.connection.pool.name": "localhost:5432/bot"}
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "small"}
SQL = {"db.system.name": "postgresql"}
REDIS = {"db.system.name": "redis"}
RETRIEVE = {"bot.memory.operation": "retrieve"}


def pool(bot: Bot, wait_s: float = 0.1, used: float = 8, waiting: float | None = 5) -> None:
    bot.measure("db.client.connection.wait_time", *[wait_s] * 10, attributes=POOL)
    bot.level("db.client.connection.max", 8, POOL)
    bot.level("db.client.connection.count", used, {**POOL, "db.client.connection.state": "used"})
    bot.level("db.client.connection.count", 8 - used, {**POOL, "db.client.connection.state": "idle"})
    if waiting is not None:
        bot.level("db.client.connection.pending_requests", waiting, POOL)


def given_up(bot: Bot, count: int = 2) -> None:
    pool(bot, wait_s=0.001)
    bot.count("db.client.connection.timeouts", count, POOL)


def held(bot: Bot, use_s: float = 2.0) -> None:
    pool(bot, used=4)
    bot.measure("db.client.connection.use_time", *[use_s] * 10, attributes=POOL)


def statements(bot: Bot, each: int = 30) -> None:
    bot.count("discord.messages.handled", 10)
    bot.measure("db.client.operation.duration", *[0.001] * each * 10, attributes=SQL)


def commands(bot: Bot, each: int = 30) -> None:
    bot.count("discord.messages.handled", 10)
    bot.measure("db.client.operation.duration", *[0.001] * each * 10, attributes=REDIS)


def cache(bot: Bot, hits: int, misses: int, evictions: int | None) -> None:
    name = {"bot.cache.name": "redis"}
    bot.count("bot.cache.requests", hits, {**name, "bot.cache.result": "hit"})
    bot.count("bot.cache.requests", misses, {**name, "bot.cache.result": "miss"})
    if evictions is not None:
        bot.count("bot.cache.evictions", evictions, name)


def calls(bot: Bot, took_s: float = 3.0, streamed: int | None = None) -> None:
    bot.measure("gen_ai.client.operation.duration", *[took_s] * 20, attributes=CALL)
    if streamed is not None:
        bot.measure("gen_ai.client.operation.time_to_first_chunk", *[0.3] * streamed, attributes=CALL)


def tokens(bot: Bot, kind: str, count: float) -> None:
    bot.measure("gen_ai.client.token.usage", count, attributes={**CALL, "gen_ai.token.type": kind})


def retrieved(bot: Bot, items: float) -> None:
    bot.measure("bot.memory.operation.items", items, attributes=RETRIEVE)


def limited(bot: Bot, waited_s: float) -> None:
    bot.count("discord.messages.handled", 10)
    bot.measure("discord.http.ratelimit.wait.duration", waited_s, attributes={"url.template": "/x"})


FIRES: list[tuple[str, Callable[[Bot], None], Callable[[Bot], None]]] = [
    ("Make the pool localhost:5432/bot larger: `config set DATABASE_POOL_SIZE 18`", pool,
     lambda bot: pool(bot, used=7)),
    ("Make the pool localhost:5432/bot larger: `config set DATABASE_POOL_SIZE 18`", given_up,
     lambda bot: given_up(bot, 0)),
    ("Give connections of localhost:5432/bot back", held, lambda bot: held(bot, 0.5)),
    ("Ask the database for several rows", statements, lambda bot: statements(bot, 10)),
    ("Give the cache redis more memory", lambda bot: cache(bot, 100, 100, 50), lambda bot: cache(bot, 100, 100, None)),
    ("Keep what is in the cache redis for longer", lambda bot: cache(bot, 20, 180, 0),
     lambda bot: cache(bot, 20, 180, None)),
    ("Send Redis' commands together", commands, lambda bot: commands(bot, 10)),
    ("Stream the answers of small", calls, lambda bot: calls(bot, streamed=18)),
    ("Let small answer more briefly", lambda bot: tokens(bot, "output", 900), lambda bot: tokens(bot, "input", 900)),
    ("Send small less", lambda bot: tokens(bot, "input", 9000), lambda bot: tokens(bot, "input", 900)),
    ("Retrieve fewer memories", lambda bot: retrieved(bot, 60), lambda bot: retrieved(bot, 5)),
    ("Send to Discord less often", lambda bot: limited(bot, 5.0), lambda bot: limited(bot, 0.5)),
    ("Move what holds up the event loop", lambda bot: bot.measure("bot.event_loop.lag", 0.4),
     lambda bot: bot.measure("bot.event_loop.lag", 0.01)),
    ("Let the garbage collector", lambda bot: bot.measure("cpython.gc.pause.duration", 0.2),
     lambda bot: bot.measure("cpython.gc.pause.duration", 0.002)),
    ("Give the bot another process", lambda bot: bot.level("process.cpu.utilization", 0.95),
     lambda bot: bot.level("process.cpu.utilization", 0.5)),
]  # fmt: skip


def test_every_rule_is_tried() -> None:
    for (told, *_), rule in zip(FIRES, RULES, strict=True):
        assert (
            rule.what.format(name="small", size=18).replace("small", "")[:8] == told.replace("small", "")[:8]
        )


async def advised(bot: Bot, shares: dict[str, float] = SHARES) -> list[advice.Advice]:
    bot.at(60)
    return list(advise(await ask(bot.asking, advice.QUESTIONS, HOUR), shares))


@pytest.mark.parametrize(("told", "fires", "silent"), FIRES)
async def test_it_speaks(bot: Bot, told: str, fires: Callable[[Bot], None], silent: object) -> None:
    fires(bot)
    (one,) = await advised(bot)
    assert one.what.startswith(told)
    assert one.numbers
    assert all(figure.value is not None for figure in one.numbers.values())


@pytest.mark.parametrize(("told", "fires", "silent"), FIRES)
async def test_it_is_silent(bot: Bot, told: str, fires: object, silent: Callable[[Bot], None]) -> None:
    silent(bot)
    assert not [one for one in await advised(bot) if one.what.startswith(told)]


async def test_without_any_number_nothing_is_advised(bot: Bot) -> None:
    assert await advised(bot) == []


async def test_what_takes_little_needs_no_advice(bot: Bot) -> None:
    calls(bot)
    assert await advised(bot, {"llm": 0.3}) == []


async def test_the_numbers_are_told_with_their_units(bot: Bot) -> None:
    limited(bot, 5.0)
    (one,) = await advised(bot)
    assert one.numbers == {"waited for rate limits, for each answer": Figure(0.5, "s")}


@pytest.mark.parametrize(("waiting", "size"), [(None, 11), (0, 11), (5, 18), (100, 144)])
async def test_the_size_of_a_pool(bot: Bot, waiting: float | None, size: int) -> None:
    pool(bot, waiting=waiting)
    (one,) = await advised(bot)
    assert f"`config set DATABASE_POOL_SIZE {size}`" in one.what
