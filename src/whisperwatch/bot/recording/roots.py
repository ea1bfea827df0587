"""Root spans: one for each event, from its receipt to the end of the last task that its dispatch scheduled.

Whoever starts work for an event holds the root, synchronously, where the work is scheduled, and releases it when the
work is over. Work that never starts (a task cancelled before its first step) never releases; then the root ends when
the last reference to it goes.
"""

from __future__ import annotations

from contextvars import ContextVar
from random import getrandbits
from typing import Any

from opentelemetry.context import Context, attach
from opentelemetry.trace import NonRecordingSpan
from opentelemetry.trace import Span as APISpan
from opentelemetry.trace.propagation import _SPAN_KEY

from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now
keep_untouched = False
"""Export the roots under which nothing happened too; they are counted either way."""


class Root(Span):
    """A root span. `duration` gets the seconds from its start to its end, with the span as exemplar.

    A root under which nothing happened (no child, reply, error or log) is counted, not exported.
    """

    pending = 0
    sampled = False
    exported = False
    under: APISpan
    """What is made current below it."""

    def __init__(self, title: str, kind: int, static: tuple[int, dict[str, Any]], duration: Distribution, start: int = 0) -> None:
        self.title = title
        self.kind_number = kind
        self.environment = tracing.environment
        self.trace_id = getrandbits(128)
        self.span_id = getrandbits(64)
        self.parent_id = 0
        self.start_ns = start or _now()
        self.static = static
        self.duration = duration
        self.root = self
        self.sampled = tracing.root(self)
        self.under = self.visible if self.sampled else NonRecordingSpan(self.get_span_context())

    def hold(self) -> None:
        """One more piece of work belongs to it."""
        self.pending += 1

    def release(self) -> None:
        """A piece of work is over; the last one ends the root."""
        self.pending -= 1
        if self.pending == 0 and not self.end_ns:
            try:
                self.finish()
            except Exception:
                guard.failed("root")

    def enter(self) -> None:
        """Make it current for the rest of this task: its own context is the task's to change."""
        current_root.set(self)
        attach(Context({_SPAN_KEY: self.under}))

    def finish(self) -> None:
        """End it: measured always, exported when something happened under it."""
        self.exported = self.sampled and bool(self.touched or self.status_code or keep_untouched)
        if self.exported:
            self.describe()
            self.end()
        else:
            self.end_ns = _now()
        self.duration.record((self.end_ns - self.start_ns) / 1e9, self if self.exported else None)

    def describe(self) -> None:
        """Called before an export: the time to add attributes."""

    def __del__(self) -> None:
        if not self.end_ns and self.pending > 0:
            self.finish()


current_root: ContextVar[Root | None] = ContextVar("whisperwatch_root", default=None)
"""The root of the work that this task does."""


def live_root() -> Root | None:
    """The root of the work that this task does, unless it has ended."""
    root = current_root.get()
    return None if root is None or root.end_ns else root
