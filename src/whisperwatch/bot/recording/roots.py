"""Root spans: one for each event, from its receipt to the end of the last task that its dispatch scheduled.

Whoever starts work for an event holds the root, synchronously, where the work is scheduled, and releases it when the
work is over. Work that never starts (a task cancelled before its first step) never releases; then the root ends when
the last reference to it goes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import getrandbits
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan
from opentelemetry.trace import Span as APISpan

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.current import ROOT_KEY, SPAN_KEY, enter, read
from whisperwatch.bot.recording.ended import MOST_SPANS, RELIEF
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_now = recorder.clock.now
keep_untouched = False
"""Export the roots under which nothing happened too; they are counted either way."""


class Trouble(Protocol):
    """Errors under a root: concluded, on the loop, when the root ends."""

    errors: int

    def ends(self, root: Root, replied: bool) -> None: ...


class Root(Span):
    """A root span. `duration` gets the seconds from its start to its end, with the span as exemplar.

    A root under which nothing happened (no child, reply, error or log) is counted, not exported.
    """

    pending = 0
    sampled = True
    exported = False
    handled = False
    """A command ran under it, or a reply was sent."""
    replied = False
    trouble: Trouble | None = None
    """What went wrong under it, where something did."""
    feature = ""
    """What the bot's code said last that this work is for."""
    blocked_since = 0
    """Its work blocked the loop from then on (monotonic ns), when that was last looked at."""
    needles: Any = None
    """What is masked in texts under it (`bot.masking`), once there was one."""
    heard: tuple[Any, ...] = ()
    """The same of other events that it turned out to be about."""
    parent_id = 0
    is_root = True
    title: str
    duration: Distribution

    def __init__(
        self,
        title: str,
        kind: int,
        static: tuple[int, dict[str, Any]],
        duration: Distribution,
        start: int = 0,
    ) -> None:
        self.title = title
        self.kind_number = kind
        self.static = static
        self.duration = duration
        self.begin(start)

    def begin(self, start: int) -> None:
        """Start it, `start` in monotonic nanoseconds (0 is now): title, kind and static attributes are set."""
        self.trace_id = getrandbits(128)
        self.span_id = getrandbits(64)
        self.start_ns = start or _now()
        if tracing.plain:
            self.environment = tracing.environment
        else:
            self.ask()

    def ask(self) -> None:
        """Let sampler, id generator, processors and a host's provider have their say."""
        if tracing.silent:
            self.sampled = False
            return
        self.ornate = True
        self.sampled = tracing.root(self)

    @property
    def root(self) -> Root:  # type: ignore[override]
        return self

    @property
    def under(self) -> APISpan:
        """What is made current below it."""
        return self.visible if self.sampled else NonRecordingSpan(self.get_span_context())

    def hold(self) -> None:
        """One more piece of work belongs to it."""
        self.pending += 1

    def release(self) -> None:
        """A piece of work is over; the last one ends the root."""
        self.pending -= 1
        if self.pending == 0 and not self.end_ns:
            self.finish()
            if len(recorder.unsettled) > RELIEF or self.end_ns > recorder.ship_due_ns:
                recorder.relieve()  # not within `finish`, which a garbage collection may call anywhere

    def enter(self) -> None:
        """Make it current for the rest of this task: its own context is the task's to change."""
        enter(self.context_below())

    def context_below(self) -> Context:
        """The OpenTelemetry context of the work that belongs to it, and of nothing else."""
        if self.ornate:
            return Context({SPAN_KEY: self.under, ROOT_KEY: self})
        return Context({SPAN_KEY: self, ROOT_KEY: self}) if self.sampled else Context({ROOT_KEY: self})

    def end(self, end_time: int | None = None) -> None:
        """By the bot's own code, to which it is the current span: it ends now, as if all its work were over."""
        if self.end_ns:
            super().end()
            return
        self.touched = True
        self.finish()

    def finish(self) -> None:
        """End it: measured always, exported when something happened under it."""
        if self.trouble is not None:
            self._conclude(self.trouble)
        self.end_ns = _now()
        if recorder.deferring and not self.ornate and len(recorder.unsettled) < MOST_SPANS:
            recorder.unsettled.append(self)
        else:
            try:
                self.settle()
            except Exception:
                guard.failed("root")

    def _conclude(self, trouble: Trouble) -> None:
        try:
            trouble.ends(self, self.replied)
        except Exception:
            guard.failed("root trouble")

    def settle(self) -> None:
        """Measure it, and export it or not."""
        seconds = (self.end_ns - self.start_ns) / 1e9
        if self.sampled and (self.touched or self.status_code or keep_untouched):
            self.exported = True
            self.duration.record(seconds, self)
            if self.blocked_since and self.own is not None:  # it ended before that was looked at again
                self.own[semconv.LOOP_BLOCKED_FOR] = round((self.end_ns - self.blocked_since) / 1e9, 3)
            self.describe()
            self.deliver()
        else:
            self.duration.record(seconds)
            if self.sampled and not tracing.plain:
                self.withhold()

    def describe(self) -> None:
        """Called before an export: the time to add attributes."""

    def __del__(self, ends: Callable[[], bool] = sys.is_finalizing) -> None:
        if (
            not self.end_ns and self.pending > 0 and not ends()
        ):  # by then nobody takes it, and modules are gone
            self.finish()


def root_here() -> Root | None:
    """The root of the work that this task does, ended or not."""
    root: Root | None = read().get(ROOT_KEY)  # type: ignore[assignment]
    return root


def live_root() -> Root | None:
    """The root of the work that this task does, unless it has ended."""
    root = root_here()
    return None if root is None or root.end_ns else root
