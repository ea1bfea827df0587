"""Deferred spans: slots now, OTLP made by the watcher.

`Span` is a complete `opentelemetry.trace.Span`, and has the SDK span's readable properties. Starting, annotating and
ending one costs an object, two clock reads and a tuple.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import _clean_attribute_value
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from whisperwatch import semconv, tape
from whisperwatch.bot.recording.exceptions import frames, type_name
from whisperwatch.bot.recording.limits import FULL, PLAIN, bounded, cleaned
from whisperwatch.bot.recording.readable import SAMPLED, Readable, SpanEnvironment
from whisperwatch.bot.recording.recorder import recorder

logger = logging.getLogger(__name__)

_now = recorder.clock.now

OURS: set[type] = set()
"""`Span` and its subclasses: asked for a type's membership, a set answers faster than `isinstance` does for a class
with an abstract base."""


class Span(Readable, trace.Span):
    """A recording span."""

    root: Span | None = None
    """The event's root span that this work belongs to."""
    touched = False
    """On a root: something happened under it."""
    is_root = False
    ornate = False
    """It has something that most spans don't: flags, state, status, events, links, cuts, a host's span."""
    records_exceptions = True
    sets_status = True
    """As a `with` block."""
    hosted: trace.Span | None = None
    """The span of the host's provider that this one stands for; it gets all that this one has when it ends."""
    hosted_title = ""
    """The name that it was started with."""

    def __init_subclass__(cls) -> None:
        OURS.add(cls)

    def __init__(
        self, name: str, kind: int, environment: SpanEnvironment, trace_id: int, span_id: int, parent_id: int
    ) -> None:
        self.title = name
        self.kind_number = kind
        self.environment = environment
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.start_ns = _now()

    # --- what a span does -------------------------------------------------------------------------------------

    def end(self, end_time: int | None = None) -> None:
        """End it; `end_time` is wall time in nanoseconds. A second call is ignored, with a warning."""
        if self.end_ns:
            logger.warning("Calling end() on an ended span.")
            return
        if end_time is None:
            self.end_ns = _now()
        else:
            self.end_ns = end_time - recorder.clock.offset
        self.deliver()

    def deliver(self) -> None:
        """Give the ended span to the processors, and to the tape or the host."""
        environment = self.environment
        if self.ornate or environment.processor is not None:
            self._deliver_all(environment.processor)
        else:
            recorder.span_ended((
                self.trace_id, self.span_id, self.parent_id, SAMPLED, None, self.title, self.kind_number,
                self.start_ns, self.end_ns, self.static[0], self.own, 0, None, None, None, environment.number, None,
            ))  # fmt: skip

    def withhold(self) -> None:
        """Let processors, who were told that it began, forget it: an end that is not sampled, which nobody exports."""
        if self.hosted is None and self.environment.processor is not None:
            self.flags &= ~TraceFlags.SAMPLED
            self.__dict__.pop("_span_context", None)
            self._deliver_all(self.environment.processor)

    @property
    def visible(self) -> trace.Span:
        """What is made current: the host's span where there is one, else this."""
        return self.hosted or self

    def _deliver_all(self, processor: Any) -> None:
        if processor is not None:
            processor._on_ending(self)
        self._hand_over_all()
        if processor is not None:
            processor.on_end(self)

    def _hand_over_all(self) -> None:
        if self.hosted is not None:
            self._give_to_host(self.hosted)
            return
        if not self.flags & 1:
            return
        events, links = self.event_records, self.link_records
        dropped = None
        if self.cut_attributes or self.cut_events or self.cut_links:
            dropped = (self.cut_attributes, self.cut_events, self.cut_links)
        recorder.span_ended((
            self.trace_id, self.span_id, self.parent_id, self.flags | self.parent_flags,
            self.state.to_header() if self.state else None,
            self.title, self.kind_number, self.start_ns, self.end_ns, self.static[0], self.own,
            self.status_code, self.description,
            tuple(events) if events else None, tuple(links) if links else None,
            self.environment.number, dropped,
        ))  # fmt: skip

    def _give_to_host(self, hosted: trace.Span) -> None:
        hosted.set_attributes(dict(self.attributes))
        for event in self.events:
            hosted.add_event(event.name, event.attributes, event.timestamp)
        for link in self.links:
            hosted.add_link(link.context, link.attributes)
        if self.status_code:
            hosted.set_status(self.status)
        if self.title != self.hosted_title:  # else the bot's own code may have renamed it
            hosted.update_name(self.title)
        given = {**self.static[1], **(self.own or {})}
        whole_ids[self.span_id] = {key: given[key] for key in semconv.HASHED_ATTRIBUTES & given.keys()}
        try:
            hosted.end(self.end_time)
        finally:
            del whole_ids[self.span_id]

    def is_recording(self) -> bool:
        return not self.end_ns

    def set_attribute(self, key: str, value: Any) -> None:
        if self.end_ns:
            logger.warning("Setting attribute on ended span.")
            return
        limits = recorder.limits
        most = limits.max_span_attributes
        if most == 0:
            self.ornate = True
            self.cut_attributes += 1
            return
        if not key or not isinstance(key, str):
            logger.warning("invalid key `%s`. must be non-empty string. Dropping key from attributes.", key)
            self.ornate = True
            self.cut_attributes += 1
            return
        length = limits.max_span_attribute_length
        if type(value) not in PLAIN or length is not None:
            value = _clean_attribute_value(value, length)
        own = self.own
        if own is None:
            self.own = {key: value}
            return
        own.pop(key, None)
        if most is not None and len(own) >= most:
            self._evict(own)
        own[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self.end_ns:
            logger.warning("Setting attribute on ended span.")
            return
        limits = recorder.limits
        most = limits.max_span_attributes
        kept, self_cut = cleaned(attributes, most, limits.max_span_attribute_length)
        if self_cut:
            self.ornate = True
            self.cut_attributes += self_cut
        if not kept:
            return
        own = self.own
        if own is None:
            own = self.own = {}
        for key, value in kept.items():
            own.pop(key, None)
            if most is not None and len(own) >= most:
                self._evict(own)
            own[key] = value

    def _evict(self, own: dict[str, Any]) -> None:
        logger.warning(FULL)
        del own[next(iter(own))]
        self.ornate = True
        self.cut_attributes += 1

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        kept, cut = bounded(
            attributes, recorder.limits.max_event_attributes, recorder.limits.max_attribute_length
        )
        if self._ended("add_event"):
            return
        at = _now() if timestamp is None else timestamp - recorder.clock.offset
        self._append_event((name, at, kept, cut))

    def _append_event(self, record: tuple[Any, ...]) -> None:
        records = self.event_records
        if records is None:  # two steps, with no call between: another thread can't do the same meanwhile
            records = self.event_records = []
        self.ornate = True
        records.append(record)
        most = recorder.limits.max_events
        if most is not None and len(records) > most:
            del records[0]
            self.cut_events += 1

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        if not context or not (context.is_valid or attributes or context.trace_state):
            return
        kept, cut = bounded(
            attributes, recorder.limits.max_link_attributes, recorder.limits.max_attribute_length
        )
        if self._ended("add_link"):
            return
        flags = int(context.trace_flags) | (tape.PARENT_REMOTE if context.is_remote else 0)
        record = (
            context.trace_id,
            context.span_id,
            flags,
            context.trace_state.to_header() or None,
            kept,
            cut,
        )
        records = self.link_records
        if records is None:
            records = self.link_records = []
        self.ornate = True
        records.append(record)
        most = recorder.limits.max_links
        if most is not None and len(records) > most:
            del records[0]
            self.cut_links += 1

    def update_name(self, name: str) -> None:
        if not self._ended("update_name"):
            self.title = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        if self._ended("set_status"):
            return
        code: Any = status.status_code if isinstance(status, Status) else status
        if not isinstance(code, StatusCode):
            return
        if self.status_code == StatusCode.OK.value or code is StatusCode.UNSET:
            return
        if isinstance(status, Status):
            if description is not None:
                logger.warning(
                    "Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description
                )
            description = status.description
        else:
            description = Status(status, description).description
        self.ornate = True
        self.status_code = code.value
        self.description = recorder.mask(description) if description else description

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """As the SDK's: type, message and stack trace, at the caller's wish; without what repeats a user's words."""
        self.add_event(
            "exception",
            {
                "exception.type": type_name(exception),
                "exception.message": recorder.mask(str(exception)),
                "exception.stacktrace": recorder.mask("".join(traceback.format_exception(exception))),
                "exception.escaped": str(escaped),
                **(attributes or {}),
            },
            timestamp,
        )

    def fail(self, exception: BaseException) -> None:
        """Mark the span failed, without the exception's text, which may quote a user: type and frames only."""
        name = type_name(exception)
        self.ornate = True
        self.status_code = StatusCode.ERROR.value
        if self.own is None:
            self.own = {}
        self.own[semconv.ERROR_TYPE] = name
        about = {"exception.type": name, "exception.stacktrace": frames(exception)}
        self._append_event(("exception", _now(), about, 0))

    def __exit__(self, exc_type: Any, exc_val: BaseException | None, exc_tb: Any) -> None:
        if exc_val is not None and self.is_recording():
            if self.records_exceptions:
                self.record_exception(exc_val, escaped=True)
            if self.sets_status:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def _ended(self, what: str) -> bool:
        if self.end_ns:
            logger.warning("Tried calling %s on an ended span.", what)
        return bool(self.end_ns)

    def __repr__(self) -> str:
        return f"Span(name={self.title!r}, context={self.get_span_context()})"


OURS.add(Span)


whole_ids: dict[int, dict[str, Any]] = {}
"""Ids of spans that are being given to the host, which gets hashes; the tape takes them from here, by span id."""
