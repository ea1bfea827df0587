"""How a command ended, from the exception that discord.py made of it."""

from __future__ import annotations

import asyncio
from typing import Any

from discord import app_commands
from discord.ext import commands

_RATE_LIMITED: tuple[type[BaseException], ...] = (
    commands.CommandOnCooldown,
    commands.MaxConcurrencyReached,
    app_commands.CommandOnCooldown,
)
_USER_ERROR: tuple[type[BaseException], ...] = (
    commands.UserInputError,
    commands.CheckFailure,
    commands.DisabledCommand,
    commands.CommandNotFound,
    app_commands.CheckFailure,
    app_commands.TransformerError,
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
        if isinstance(candidate, _USER_ERROR):
            return "user_error"
        if isinstance(candidate, asyncio.CancelledError):
            return "cancelled"
    return "failure"


def is_refusal(error: BaseException) -> bool:
    """Whether a check refused the user: not the bot's own missing permission."""
    return isinstance(error, _REFUSED) and not isinstance(error, _BOT_LACKS)


def original_of(error: BaseException) -> BaseException:
    """What the user's code raised, under discord.py's wrappers."""
    seen = 0
    while seen < 5:
        inner = getattr(error, "original", None)
        if not isinstance(inner, BaseException):
            break
        error = inner
        seen += 1
    return error


def passes_through(error: Any) -> bool:
    """Whether an app command's exception is one that `CommandTree` hands to its error handler."""
    return isinstance(error, app_commands.AppCommandError)
