"""`operation("memory.retrieve")`: a stretch of the bot's work with a name, a span and a duration."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.api.block import Block, outcome_of
from whisperwatch.bot.api.names import checked
from whisperwatch.bot.instrument.bots import Bot, any_bot
from whisperwatch.bot.instrument.errors.counting import call_ended
from whisperwatch.bot.recording.current import enter_span, leave
from whisperwatch.bot.recording.numbers import number
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import root_here
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now


class Operation(Block):
    """A stretch of work with a span and a duration."""

    __slots__ = ("_items", "_relevance", "_span", "_start", "_token")
    kind = "operation"

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self._span: Span | None = None
        self._token: Any = None
        self._start = 0
        self._items: float | None = None
        self._relevance: float | None = None

    def found(self, items: int, relevance: float | None = None) -> None:
        """Of a memory operation: how many were retrieved or stored, and how well the best one fits, from 0 to 1.

        What is no finite number is left out.
        """
        self._items, self._relevance = number(items), number(relevance)
        if self._items is None or (self._relevance is None and relevance is not None):
            guard.mistaken("operation", "what it found and its relevance are finite numbers")

    def _begin(self) -> bool:
        name = self._name
        static = recorder.attribute_set({semconv.OPERATION: name})
        self._span = tracing.child(f"operation {name}", 0, static)
        if self._span is not None:
            self._token = enter_span(self._span.visible)
        self._start = _now()
        return True

    def _end(self, error: BaseException | None) -> None:
        seconds = (_now() - self._start) / 1e9
        if self._token is not None:
            leave(self._token)
            self._token = None
        bot = any_bot()
        if bot is not None:
            self._measure(bot, seconds, outcome_of(error))
        call_ended(root_here(), _component_of(self._name), ("operation", self._name), error)
        span, self._span = self._span, None
        if span is not None:
            if isinstance(error, Exception):
                span.fail(error)
            self._describe(span)
            span.end()

    def _measure(self, bot: Bot, seconds: float, outcome: str) -> None:
        area, _, what = self._name.partition(".")
        if area != "memory" or not what:
            bot.timed(semconv.OPERATION_DURATION, self._name, outcome).record(seconds, self._span)
            return
        what = what if what in semconv.MEMORY_OPERATIONS else "other"
        bot.timed(semconv.MEMORY_DURATION, what, outcome, "api").record(seconds, self._span)
        if self._items is not None:
            bot.timed(semconv.MEMORY_ITEMS, what, "api").record(self._items)
        if self._relevance is not None:
            bot.timed(semconv.MEMORY_RELEVANCE, "api").record(self._relevance)

    def _describe(self, span: Span) -> None:
        if self._items is not None:
            span.set_attribute(semconv.MEMORY_ITEMS_KEY, self._items)
        if self._relevance is not None:
            span.set_attribute(semconv.MEMORY_RELEVANCE_KEY, self._relevance)


def operation(name: str) -> Operation:
    """A stretch of work: `with operation("memory.retrieve") as op: …; op.found(5, relevance=0.8)`.

    A span below what is current, and the metric `bot.operation.duration`; of a name `memory.…` it is
    `bot.memory.operation.duration`, with `retrieve`, `store`, `update` or `delete` (anything else is `other`). An
    exception goes on unchanged; one that the bot catches counts as an error (see `report_error`). The name
    is a text of 1 to 100 characters.
    """
    return Operation(checked("operation", name))


def _component_of(name: str) -> str | None:
    area = name.partition(".")[0]
    return area if area in semconv.COMPONENTS else None
