"""What a companion's slot is measured with: all that reports ask for, beside what `traffic` makes up."""

from __future__ import annotations

import math
import random
from typing import Any, Final

from tests.contract.bot import Bot

from whisperwatch import semconv

_METRICS: Final = {metric.name: metric for metric in semconv.METRICS}
_LLM: Final = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "small",
}
_POOL: Final = {"db.client.connection.pool.name": "localhost:5432/bot"}
_DISK: Final = {"system.filesystem.mountpoint": "/"}
_TIMED: Final[tuple[tuple[str, dict[str, Any], float], ...]] = (
    ("discord.message.response.duration", {"discord.event.name": "message"}, 0.8),
    ("discord.event.duration", {"discord.event.name": "message"}, 0.9),
    ("gen_ai.client.operation.duration", {**_LLM, "server.address": "localhost"}, 0.6),
    ("db.client.operation.duration", {"db.system.name": "postgresql", "db.operation.name": "SELECT"}, 0.004),
    ("db.client.operation.duration", {"db.system.name": "redis", "db.operation.name": "GET"}, 0.001),
    ("db.client.connection.wait_time", _POOL, 0.002),
    ("discord.http.request.duration", {"url.template": "/channels/{channel_id}/messages"}, 0.05),
    ("bot.memory.operation.duration", {"bot.memory.operation": "retrieve", "outcome": "ok"}, 0.03),
    ("http.client.request.duration", {"server.address": "api.example.org", "http.request.method": "GET"}, 0.2),
    ("discord.task.duration", {"discord.task.name": "digest", "outcome": "ok"}, 2.0),
    ("bot.conversation.turns", {}, 5.0),
    ("bot.conversation.duration", {}, 200.0),
    ("bot.event_loop.lag", {}, 0.002),
    ("cpython.gc.pause.duration", {"cpython.gc.generation": "2"}, 0.003),
)  # fmt: skip
_COUNTED: Final[tuple[tuple[str, dict[str, Any], int], ...]] = (
    ("bot.cache.requests", {"bot.cache.name": "replies", "bot.cache.result": "hit"}, 8),
    ("bot.cache.requests", {"bot.cache.name": "replies", "bot.cache.result": "miss"}, 3),
    ("bot.conversations", {}, 2),
    ("bot.feedback", {"bot.feedback.value": "positive"}, 2),
    ("bot.feedback", {"bot.feedback.value": "negative"}, 1),
    ("bot.feature.uses", {"bot.feature.name": "chat"}, 5),
    ("system.network.io", {"network.io.direction": "receive"}, 5_000),
)
_LEVELS: Final[tuple[tuple[str, dict[str, Any], float], ...]] = (
    ("process.memory.usage", {}, 2e8),
    ("process.cpu.utilization", {}, 0.2),
    ("system.cpu.utilization", {}, 0.4),
    ("system.memory.utilization", {}, 0.5),
    ("system.filesystem.utilization", _DISK, 0.6),
    ("process.thread.count", {}, 12.0),
    ("db.client.connection.max", _POOL, 10.0),
    ("db.client.connection.count", {**_POOL, "db.client.connection.state": "used"}, 4.0),
    ("bot.users.active", {"bot.users.window": "day"}, 40.0),
)


def use(chance: random.Random, bot: Bot, share: float, at: int) -> None:
    """A slot of a bot that ends at `at`, at such a share of the day."""
    for name, attributes, mean in _TIMED:
        for _ in range(chance.randrange(3)):
            bot.measure(_METRICS[name], attributes, mean * chance.lognormvariate(0, 0.6))
    for name, attributes, most in _COUNTED:
        bot.count(_METRICS[name], attributes, chance.randrange(most + 1))
    for name, attributes, level in _LEVELS:
        swing = 1 + 0.2 * math.sin(2 * math.pi * share) + chance.uniform(-0.02, 0.02)
        bot.gauge(_METRICS[name], attributes, level * swing)
    bot.gauge(_METRICS["process.uptime"], {}, at - bot.began)
