"""Whisperwatch watches discord.py bots."""

from typing import Any

from whisperwatch.version import __version__

__all__ = ["__version__", "flush", "health_check", "instrument", "uninstrument", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("flush", "instrument", "uninstrument", "watch"):
        from whisperwatch.bot import watch as watching

        return getattr(watching, name)
    if name == "health_check":
        from whisperwatch.bot.checks import health_check

        return health_check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
