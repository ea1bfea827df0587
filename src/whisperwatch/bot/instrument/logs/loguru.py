"""What is logged by loguru: a sink of ours, which `logger.remove()` and `logger.configure()` don't lose.

Loguru has no level but those of its sinks: ours takes what one of the others takes, and where there is none, what is of
level DEBUG or above, as loguru's own first sink does.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from loguru import logger
from loguru._logger import Logger

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors.reporting import note_logged
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.logs import recording
from whisperwatch.bot.instrument.logs.choice import Choice, is_our_thread
from whisperwatch.bot.instrument.logs.twice import twice
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.bot.recording.recorder import recorder

_patches = LibraryPatches("loguru")
_core: Any = logger._core  # type: ignore[attr-defined]
_choice = Choice({})
_ours: int | None = None
_DEBUG: Final = logging.DEBUG


def apply() -> Undo:
    """Add the sink; returns what takes it away."""
    global _choice
    _choice = Choice()
    _patches.apply([Patch(Logger, "remove", _removing)])
    twice.possible = True
    _add()
    return _undo


def _undo() -> None:
    global _ours
    _patches.undo()
    twice.possible = False
    ours, _ours = _ours, None
    if ours in _core.handlers:
        logger.remove(ours)


def _add() -> None:
    global _ours
    _ours = logger.add(
        _take, level=0, format="", filter=_is_wanted, backtrace=False, diagnose=False, catch=False
    )


def _removing(original: Any) -> Any:
    def remove(self: Any, handler_id: int | None = None) -> None:
        original(self, handler_id)
        try:
            if _patches.on and _ours is not None and _ours not in _core.handlers:
                _add()
        except Exception:
            guard.failed("loguru remove")

    return remove


def _is_wanted(record: Any) -> bool:
    try:
        wanted, _ = _choice.of(record["name"] or "")
        if not wanted or is_our_thread(record["thread"].name):
            return False
        least = min(
            (sink.levelno for number, sink in _core.handlers.items() if number != _ours), default=_DEBUG
        )
        return bool(record["level"].no >= least)
    except Exception:
        guard.failed("loguru filter")
        return False


def _take(message: Any) -> None:
    try:
        _record(message.record)
    except Exception:
        guard.failed("loguru record")


def _record(record: dict[str, Any]) -> None:
    body, line, function = record["message"], record["line"], record["function"]
    if twice.was_there("logging", body, line, function):
        return
    level, name = record["level"].no, record["name"] or ""
    raised = record["exception"]
    error = None if raised is None else raised.value
    verdict = None
    if level >= logging.ERROR or raised is not None:
        _, component = _choice.of(name)
        verdict = note_logged(
            level, name, body, body, error or sys.exc_info()[1], raised is not None, component
        )
    if recorder.logs.on and (level >= _choice.level or verdict is not None):
        extra = recording.plain(record["extra"].items()) or None
        code = (record["file"].path, line, function)
        recording.put(level, record["level"].name, name, body, extra, code, error, verdict)
