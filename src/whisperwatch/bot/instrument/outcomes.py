"""How a command ended, from the exception that discord.py made of it: whose error it is, `errors/verdicts` says."""

from __future__ import annotations

import asyncio
from typing import Any

from discord import app_commands
from discord.ext import commands

from whisperwatch.bot.instrument.errors.verdicts import verdict_of

_RATE_LIMITED: tuple[type[BaseException], ...] = (
    commands.CommandOnCooldown,
    commands.MaxConcurrencyReached,
    app_commands.CommandOnCooldown,
)
_REFUSED = (commands.CheckFailure, app_commands.CheckFailure)
_BOT_LACKS = (
    commands.BotMissingPermissions,
    commands.BotMissingRole,
    commands.BotMissingAnyRole,
    app_commands.BotMissingPermissions,
    app_commands.CommandOnCooldown,
)


def outcome_of(error: BaseException | None, failed: bool = False) -> str:
    """One of `semconv.OUTCOMES`. `failed`: discord.py marked the command as failed."""
    if error is None:
        return "cancelled" if failed else "ok"
    for candidate in (error, original_of(error)):
        if isinstance(candidate, _RATE_LIMITED):
            return "rate_limited"
        if isinstance(candidate, asyncio.CancelledError):
            return "cancelled"
    is_theirs = verdict_of(error).category == "user" or isinstance(original_of(error), _BOT_LACKS)
    return "user_error" if is_theirs else "failure"


def is_refusal(error: BaseException) -> bool:
    """Whether a check refused the user: not the bot's own missing permission."""
    return isinstance(error, _REFUSED) and not isinstance(error, _BOT_LACKS)


def original_of(error: BaseException) -> BaseException:
    """What the user's code raised, under discord.py's wrappers."""
    seen = 0
    while seen < 5:
        inner = getattr(error, "original", None)
        if inner is None and isinstance(error, app_commands.TransformerError):
            inner = error.__cause__
        if not isinstance(inner, BaseException):
            break
        error = inner
        seen += 1
    return error


def passes_through(error: Any) -> bool:
    """Whether an app command's exception is one that `CommandTree` hands to its error handler."""
    return isinstance(error, app_commands.AppCommandError)
