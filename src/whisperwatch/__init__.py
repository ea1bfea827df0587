"""Whisperwatch watches discord.py bots."""

from typing import Any

from whisperwatch.version import __version__

__all__ = ["__version__", "flush", "instrument", "report_error", "uninstrument", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("flush", "instrument", "uninstrument", "watch"):
        from whisperwatch.bot import watch as watching

        return getattr(watching, name)
    if name == "report_error":
        from whisperwatch.bot.instrument.errors.reporting import report_error

        return report_error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
