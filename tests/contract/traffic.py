"""A day of a bot, made up by a seed: commands, errors, gauges, logs; a restart, a gap, a command that comes late."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.contract.bot import Bot
from tests.contract.usage import use

from whisperwatch import semconv

SLOT_S = 15
NAME = {semconv.BOT_NAME: "Companion"}
COMMANDS = ("ask", "remember", "forget", "ping")
LATE_COMMAND = 'späte "Frage"'
"""Comes up in the middle of the day, and counts from its first moment."""
WORDS = (
    "reply sent", "cache miss", "Connection timed out", "völlig normal", "request {id} failed", 'said "hello"',
    "rate limited (429)", "памʼять оновлено", "retrying in 2s", "C:\\temp\\a.b*",
)  # fmt: skip
LOGGERS = ("bot.chat", "bot.memory", "discord.gateway", "openai", "asyncpg.pool", "redis")
LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR")


@dataclass
class Day:
    """Ticks of the day. Each slot, `bots` are those that live: their streams hold the newest values at `at`."""

    start: int
    slots: int
    seed: int = 7
    logged: int = 0
    bots: list[Bot] = field(default_factory=list)

    def __iter__(self) -> Iterator[int]:
        """Yields the end of each slot (unix s), after what happened in it was sent by the bots that live."""
        chance, usage = random.Random(self.seed), random.Random(self.seed + 1)
        first, second = Bot("one", self.start), Bot("two", self.start)
        guilds = 120.0
        for slot in range(self.slots):
            at = self.start + (slot + 1) * SLOT_S
            share = slot / self.slots
            if slot == self.slots // 3:  # a deploy: everything counts from 0 again
                first = Bot("one", at - SLOT_S, "2")
            down = 0.5 <= share < 0.54
            self.bots = [first] if down else [first, second]
            if slot == int(self.slots * 0.54):
                second = Bot("two", at - SLOT_S, "2")
                self.bots = [first, second]
            for shard, bot in enumerate(self.bots):
                self._slot(chance, bot, at, shard, share)
                guilds += chance.choice((-1, 0, 0, 1))
                bot.gauge(semconv.SHARD_GUILDS, {**NAME, semconv.SHARD: shard}, guilds)
                bot.gauge(semconv.START_TIME, {semconv.SERVICE_VERSION: bot.version}, bot.began)
                bot.gauge(semconv.GATEWAY_LATENCY, {**NAME, semconv.SHARD: shard}, chance.uniform(0.02, 0.4))
                use(usage, bot, share, at)
            yield at

    def _slot(self, chance: random.Random, bot: Bot, at: int, shard: int, share: float) -> None:
        for _ in range(chance.choice((0, 0, 1, 2, 5))):
            late = share > 0.6 and chance.random() < 0.1
            command = LATE_COMMAND if late else chance.choice(COMMANDS)
            outcome = chance.choices(("ok", "failure", "user_error"), (20, 1, 2))[0]
            attributes = {
                **NAME, semconv.COMMAND: command, semconv.COMMAND_KIND: "slash", semconv.OUTCOME: outcome,
            }  # fmt: skip
            bot.measure(semconv.COMMAND_DURATION, attributes, chance.lognormvariate(-1, 1.2))
            bot.count(semconv.MESSAGES_HANDLED, {**NAME, semconv.EVENT: "message"})
            if outcome == "failure":
                self._fail(chance, bot, at)
        if chance.random() < 0.05:  # what came after a metric's cap on attribute sets
            bot.count(semconv.MESSAGES_HANDLED, {semconv.OVERFLOW: True}, chance.randrange(1, 9))
        for event in ("MESSAGE_CREATE", "TYPING_START"):
            if chance.random() < 0.7:
                counted = {**NAME, semconv.SHARD: shard, semconv.EVENT: event}
                bot.count(semconv.GATEWAY_EVENTS, counted, chance.randrange(1, 40))
        if chance.random() < 0.4:
            level = chance.choice(LEVELS)
            body = f"{chance.choice(WORDS)} #{chance.randrange(1000)}"
            self.logged += 1
            bot.log(at - chance.random() * SLOT_S, level, chance.choice(LOGGERS), body)

    def _fail(self, chance: random.Random, bot: Bot, at: int) -> None:
        category = chance.choice(semconv.CATEGORIES)
        attributes = {
            **NAME, semconv.ERROR_CATEGORY: category, semconv.ERROR_SEVERITY: chance.choice(("high", "medium")),
            semconv.COMPONENT: "llm" if category == "ai" else "database",
        }  # fmt: skip
        bot.count(semconv.ERRORS, attributes)
        self.logged += 1
        raised = (
            "TimeoutError",
            f"the pool gave up after {chance.randrange(9)} s",
            (("a.py", 3, "f"),),
            None,
        )
        bot.log(
            at - chance.random() * SLOT_S, "ERROR", "bot.chat", "could not answer",
            exception=raised, trace_id=chance.getrandbits(128) | 1,
        )  # fmt: skip
