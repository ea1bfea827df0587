"""Hearing what the bot logs: when it begins and ends, and whether the host application exports its logs itself.

What it needs of discord.py is imported when it begins: by then it is known that there is a discord.py.
"""

from __future__ import annotations

import logging

from whisperwatch.bot.instrument.logs.choice import Choice
from whisperwatch.bot.recording.recorder import recorder


def start() -> None:
    """Hear `logging`, and the errors that are counted without it; loguru is a library of the registry."""
    from whisperwatch.bot.instrument.errors.counting import unlogged
    from whisperwatch.bot.instrument.logs import stdlib
    from whisperwatch.bot.instrument.logs.recording import put_error

    stdlib.start(Choice())
    allow(True)
    if put_error not in unlogged:
        unlogged.append(put_error)


def allow(taken: bool) -> None:
    """Record from now on, unless the settings say otherwise, or nobody takes logs. Errors are counted either way."""
    recorder.logs.on = taken and recorder.shipping and Choice().wanted


def stop() -> None:
    """Hear nothing more."""
    from whisperwatch.bot.instrument.errors.counting import unlogged
    from whisperwatch.bot.instrument.logs import stdlib

    stdlib.stop()
    unlogged.clear()


def hosted() -> tuple[str, ...]:
    """("logs",) where a handler of OpenTelemetry's is on the root logger: the host exports its logs itself."""
    handlers = logging.root.handlers
    is_there = any(type(handler).__module__.startswith("opentelemetry.") for handler in handlers)
    return ("logs",) if is_there else ()
