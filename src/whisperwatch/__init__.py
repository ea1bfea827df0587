"""Whisperwatch watches discord.py bots."""

from typing import Any

from whisperwatch.version import __version__

__all__ = ["__version__", "flush", "instrument", "uninstrument", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("flush", "instrument", "uninstrument", "watch"):
        from whisperwatch.bot import watch as watching

        return getattr(watching, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
