"""Whisperwatch watches discord.py bots."""

from importlib import import_module
from typing import Any

from whisperwatch.version import __version__

_PLACES = {
    "whisperwatch.bot.watch": ("flush", "instrument", "uninstrument", "watch"),
    "whisperwatch.bot.instrument.errors.reporting": ("report_error",),
    "whisperwatch.bot.api.operations": ("operation",),
    "whisperwatch.bot.api.usage": (
        "cache_hit", "cache_miss", "conversation", "feature", "feedback", "security_event",
    ),
    "whisperwatch.bot.api.settings": ("setting",),
    "whisperwatch.bot.api.jobs": ("job", "queue_depth"),
    "whisperwatch.bot.checks": ("health_check",),
}  # fmt: skip
_PLACE = {name: module for module, names in _PLACES.items() for name in names}

__all__ = ["__version__", *sorted(_PLACE)]


def __getattr__(name: str) -> Any:
    if name in _PLACE:
        found = globals()[name] = getattr(import_module(_PLACE[name]), name)  # the next time it is there
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
