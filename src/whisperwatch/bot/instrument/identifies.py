"""IDENTIFYs: how many Discord leaves a bot until its day is over. Who has none left is cut off, and gets a new token.

Discord tells when it is asked (`session_start_limit`); in between each that is sent is one less.
"""

from __future__ import annotations

from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, bot_of_http
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.recording.recorder import recorder

_DAY_NS: Final = 86_400 * 1_000_000_000


def identify(original: Any) -> Any:
    """`DiscordWebSocket.identify`: it begins a session."""

    async def identify(self: Any) -> None:
        await original(self)
        try:
            bot = bot_of_http(self._connection.http)
            if bot is not None and bot.identifies_until_ns:
                renew(bot)
                remaining = _of(bot, semconv.IDENTIFY_REMAINING)
                remaining.set(max(remaining.value - 1, 0))
        except Exception:
            guard.failed("identify")

    return identify


def learn(bot: Bot, answer: Any) -> None:
    """What Discord's answer to GET /gateway/bot says."""
    try:
        limit = answer["session_start_limit"]
        _of(bot, semconv.IDENTIFY_REMAINING).set(limit["remaining"])
        _of(bot, semconv.IDENTIFY_LIMIT).set(limit["total"])
        bot.identifies_until_ns = recorder.clock.now() + int(limit["reset_after"]) * 1_000_000
    except Exception:
        guard.failed("session_start_limit")


def renew(bot: Bot) -> None:
    """When their day is over, all are there again."""
    now = recorder.clock.now()
    if 0 < bot.identifies_until_ns < now:
        bot.identifies_until_ns = now + _DAY_NS
        _of(bot, semconv.IDENTIFY_REMAINING).set(_of(bot, semconv.IDENTIFY_LIMIT).value)


def _of(bot: Bot, metric: semconv.Metric) -> Any:
    return counting(metric, {semconv.BOT_NAME: bot.name})
