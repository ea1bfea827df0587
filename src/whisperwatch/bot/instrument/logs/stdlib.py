"""What is logged by `logging`, at the one place that every record passes, whatever handlers there are.

`Logger.callHandlers` comes after the logger's own level and filters, and before its handlers: `dictConfig`,
`basicConfig(force=True)`, cleared handlers and loggers that don't propagate make no difference to it. The handlers get
the record as it is without us.
"""

from __future__ import annotations

import logging
import sys
from itertools import islice
from typing import Any, Final

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors.reporting import error_of, note_logged
from whisperwatch.bot.instrument.logs import recording
from whisperwatch.bot.instrument.logs.choice import Choice, is_our_thread
from whisperwatch.bot.instrument.logs.twice import twice
from whisperwatch.bot.instrument.patches import Patch, PatchTable
from whisperwatch.bot.recording.exceptions import text_of
from whisperwatch.bot.recording.recorder import recorder

_OWN: Final = frozenset(
    (
        *vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName",
        # what OpenTelemetry's instrumentation of logging adds, for formatters
        "otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName",
    )
)  # fmt: skip
_MANY: Final = len(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
"""A record with more has something of `extra=` behind these, or has been formatted before."""
_table = PatchTable("logging")
_choice = Choice({})


def start(choice: Choice) -> None:
    """Hear every record of `logging` from now on."""
    global _choice
    _choice = choice
    _table.apply([Patch(logging.Logger, "callHandlers", _call_handlers)])


def stop() -> None:
    """Put `logging` back."""
    _table.undo()


def _call_handlers(original: Any) -> Any:
    def callHandlers(self: Any, record: logging.LogRecord) -> None:
        try:
            body = _take(record)
        except Exception:
            guard.failed("log record")
            body = None
        if body is None or not twice.possible:
            original(self, record)
            return
        token = twice.handling(body)
        try:
            original(self, record)
        finally:
            twice.handled(token)

    return callHandlers


def _take(record: logging.LogRecord) -> str | None:
    """Record it, and count it if it is an error; its message, where it is one of the bot's."""
    wanted, component = _choice.of(record.name)
    if not wanted or is_our_thread(record.threadName):
        return None
    body = _message(record)
    if twice.possible and twice.was_there("loguru", body, record.lineno, record.funcName):
        return None
    level = record.levelno
    error = verdict = None
    if level >= logging.ERROR or record.exc_info:
        handled = sys.exc_info()[1]
        verdict = note_logged(
            level, record.name, record.msg, body, error_of(record, handled), bool(record.exc_info), component
        )
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if recorder.logs.on and (level >= _choice.level or verdict is not None):
        known = vars(record)
        extra = None
        if len(known) > _MANY:
            extra = recording.plain(islice(known.items(), _MANY, None), _OWN) or None
        code = (record.pathname, record.lineno, record.funcName or "")
        recording.put(level, record.levelname, record.name, body, extra, code, error, verdict)
    return body


def _message(record: logging.LogRecord) -> str:
    """The merged message; the template where its arguments don't fit, which the handlers complain of themselves."""
    try:
        return record.getMessage()
    except Exception:
        return text_of(record.msg, 1_000)
