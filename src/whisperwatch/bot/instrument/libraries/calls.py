"""A call to a server that is under way: its span, and what it is measured by.

Nothing runs below such a call, so it is not made current. It is measured and described later, by the ship; on the loop
it costs an object, two clock reads and an entry in a list.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.errors.counting import call_ended
from whisperwatch.bot.instrument.measures import timing
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.current import read
from whisperwatch.bot.recording.ended import MOST_SPANS
from whisperwatch.bot.recording.exceptions import type_name
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import root_here
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now


class Durations:
    """The histogram of one sort of call, by what went wrong."""

    __slots__ = ("_attributes", "_by_error", "_metric", "ok")

    def __init__(self, metric: semconv.Metric, attributes: dict[str, Any]) -> None:
        self._metric = metric
        self._attributes = attributes
        self._by_error: dict[str, Distribution] = {}
        self.ok = timing(metric, attributes)

    def of(self, error: str) -> Distribution:
        """Of the calls that failed so."""
        found = self._by_error.get(error)
        if found is None:
            found = timing(self._metric, {**self._attributes, semconv.ERROR_TYPE: error})
            if len(self._by_error) < 100:
                self._by_error[error] = found
        return found


class Call(Span):
    """A call that is under way. Whoever makes one sets `title` and `static`, then calls `begin`; `durations` has time
    until it is settled."""

    kind_number = 2
    recorded = True
    """False where the span isn't: then the call is measured only."""
    error: str | None = None
    """The failure's `error.type`."""
    durations: Durations
    component = "network"
    """Whose error a failure is: one of `semconv.COMPONENTS`."""

    @property
    def tried(self) -> Any:
        """What another call has to be to be the same one, tried again."""
        return self.title

    def begin(self) -> None:
        """It begins now."""
        if not tracing.start(self):
            self.recorded = False
            self.start_ns = _now()

    def over(self, error: BaseException | None = None) -> None:
        """It is over."""
        if error is not None:
            self.failed(error)
        elif (root := root_here()) is not None and root.trouble is not None:
            call_ended(root, self.component, self.tried, None)
        self.end_ns = _now()
        if recorder.deferring and not self.ornate and len(recorder.unsettled) < MOST_SPANS:
            recorder.unsettled.append(self)
        else:
            self.settle()

    def failed(self, error: BaseException) -> None:
        """It did not succeed."""
        self.error = type_name(error)
        if self.recorded:
            self.fail(error)
        call_ended(root_here(), self.component, self.tried, error)

    def settle(self) -> None:
        """Measure it, and export it."""
        duration = self.durations.ok if self.error is None else self.durations.of(self.error)
        seconds = (self.end_ns - self.start_ns) / 1e9
        if self.recorded:
            duration.record(seconds, self)
            self.describe()
            self.deliver()
        else:
            duration.record(seconds)

    def describe(self) -> None:
        """Called before an export: the time to add attributes."""


def suppressed() -> bool:
    """Whether what this task does is nobody's business: an exporter's work, or our own."""
    return bool(read().get(_SUPPRESS_INSTRUMENTATION_KEY))


def ended(call: Call, error: BaseException | None = None) -> None:
    """`call` is over; never raises."""
    try:
        call.over(error)
    except Exception:
        guard.failed("call end")
