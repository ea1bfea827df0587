"""One command's run, however it was called: its span, its duration by outcome, and how many are in flight."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any

from opentelemetry.context import attach, detach
from opentelemetry.trace import set_span_in_context

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, EventRoot
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.instrument.outcomes import original_of, outcome_of
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import live_root
from whisperwatch.bot.recording.spans import Span, type_name
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now


class CommandCells:
    """What one command, called one way, is measured by."""

    __slots__ = ("active", "attributes", "durations", "statics", "title")

    def __init__(self, bot_name: str, name: str, kind: str) -> None:
        self.title = f"command {name}"
        self.attributes = {semconv.BOT_NAME: bot_name, semconv.COMMAND: name, semconv.COMMAND_KIND: kind}
        self.active = counting(semconv.COMMANDS_ACTIVE, self.attributes)
        self.statics = {
            outcome: recorder.attribute_set({**self.attributes, semconv.OUTCOME: outcome}) for outcome in semconv.OUTCOMES
        }
        self.durations = {outcome: self.duration(outcome) for outcome in ("ok", "user_error", "failure")}

    def duration(self, outcome: str) -> Any:
        return timing(semconv.COMMAND_DURATION, {**self.attributes, semconv.OUTCOME: outcome})


def cells_of(bot: Bot, name: str, kind: str) -> CommandCells:
    """The cells of a command; `name` must come from what is registered."""
    key = (name, kind)
    cells: CommandCells | None = bot.cells.get(key)
    if cells is None:
        cells = bot.cells[key] = CommandCells(bot.name, name, kind)
    return cells


class Invocation:
    """A command that is running. `error` is what discord.py kept from its caller."""

    __slots__ = ("bot", "cells", "context_token", "error", "failed", "span", "start", "token")

    def __init__(self, bot: Bot, cells: CommandCells) -> None:
        self.bot = bot
        self.cells = cells
        self.error: BaseException | None = None
        self.failed = False
        """discord.py says that it failed, without an exception: cancelled, or refused by a check."""
        cells.active.add(1)
        root = live_root()
        if isinstance(root, EventRoot):
            root.handled = root.touched = True
        self.span: Span | None = tracing.child(cells.title, 0, cells.statics["ok"])
        self.context_token = None if self.span is None else attach(set_span_in_context(self.span.visible))
        self.token: Token[Invocation | None] = current_invocation.set(self)
        self.start = _now() if self.span is None else self.span.start_ns

    def raised(self, error: BaseException) -> None:
        """An exception leaves the command: its own, or one of an error handler. A failure of its own comes first."""
        if self.error is None or outcome_of(self.error) != "failure":
            self.error = error

    def end(self, outcome: str, cells: CommandCells | None = None) -> None:
        """Measure and end. `cells`, where the command turned out to be another (a group's sub-command)."""
        error, self.error = self.error, None
        current_invocation.reset(self.token)
        self.cells.active.add(-1)
        measured = cells or self.cells
        duration = measured.durations.get(outcome)
        if duration is None:
            duration = measured.durations[outcome] = measured.duration(outcome)
        span = self.span
        if span is None:
            duration.record((_now() - self.start) / 1e9)
            return
        if self.context_token is not None:
            detach(self.context_token)
        span.static = measured.statics[outcome]
        span.title = measured.title
        if error is not None and outcome != "ok":
            _mark(span, outcome, original_of(error))
        span.end()
        duration.record((span.end_ns - self.start) / 1e9, span)


def _mark(span: Span, outcome: str, error: BaseException) -> None:
    if outcome == "failure":
        span.fail(error)
        root = live_root()
        if root is not None:
            root.fail(error)
    else:
        span.set_attribute(semconv.ERROR_TYPE, type_name(error))


def begin(bot: Bot, cells: CommandCells) -> Invocation | None:
    """Start an invocation; None where our own hook failed."""
    try:
        return Invocation(bot, cells)
    except Exception:
        guard.failed("command")
        return None


current_invocation: ContextVar[Invocation | None] = ContextVar("whisperwatch_invocation", default=None)
"""The command that this task runs."""


def note_error(error: BaseException) -> None:
    """An exception that discord.py hands to error handlers rather than to its caller."""
    invocation = current_invocation.get()
    if invocation is not None:
        invocation.error = error
