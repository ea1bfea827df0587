"""Errors that the bot's own code tells of: `report_error`, and what it logs."""

from __future__ import annotations

import logging
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors.counting import count, note, trouble_of
from whisperwatch.bot.instrument.errors.lines import is_no_error
from whisperwatch.bot.instrument.errors.rules import Verdict
from whisperwatch.bot.instrument.errors.verdicts import category_of
from whisperwatch.bot.recording.roots import live_root

LOGGED: Final = "log"
"""The `error.type` of an error that was logged without an exception."""


def report_error(error: BaseException, *, component: str | None = None) -> None:
    """Tell of an exception that the bot has caught: it counts once, and marks the message's trace.

    Args:
        error: the exception. One that was counted before, or was made of one that was, does not count again.
        component: one of `semconv.COMPONENTS`, where the exception's type doesn't tell.
    """
    if not guard.is_a(error, BaseException):
        guard.mistaken("report_error", "the error is an exception")
        return
    if component is not None and component not in semconv.COMPONENTS:
        guard.mistaken("report_error", f"the component is one of {', '.join(semconv.COMPONENTS)}")
        component = None
    try:
        note(error, component=component, swallowed=True)
    except Exception:
        guard.failed("report_error")


def error_of(record: logging.LogRecord, handled: BaseException | None) -> BaseException | None:
    """The exception that a log record is about: its own, one among its arguments, else the one being `handled`."""
    if isinstance(record.exc_info, tuple) and isinstance(record.exc_info[1], BaseException):
        return record.exc_info[1]
    args: Any = record.args
    for argument in args if isinstance(args, tuple) else ():
        if isinstance(argument, BaseException):
            return argument
    return handled


def note_logged(
    level: int,
    name: str,
    template: object,
    text: str,
    error: BaseException | None,
    has_exception: bool,
    component: str | None,
) -> Verdict | None:
    """Count what was logged, if it is an error: of level ERROR, or with an exception of its own (`has_exception`).

    Args:
        level: the record's.
        name: the logger's name.
        template: the message before its arguments are merged.
        text: the message.
        error: see `error_of`.
        component: that of the logger, where one is known.
    """
    if not (level >= logging.ERROR or has_exception) or is_no_error(name, template):
        return None
    if error is not None:
        known = None if component == "discord" else component
        return note(error, component=known, swallowed=True, logged=True)
    root = live_root()
    if root is not None and root.trouble is not None and trouble_of(root).is_told_in(text):
        return None
    component = component or "bot"
    verdict = Verdict(
        category_of(component), "critical" if level >= logging.CRITICAL else "medium", component
    )
    count(verdict, LOGGED, root, words=[text])
    return verdict
