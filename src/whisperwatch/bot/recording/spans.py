"""Deferred spans: slots now, OTLP made by the watcher.

`Span` is a complete `opentelemetry.trace.Span`, and has the SDK span's readable properties, made when they are asked
for. Starting, annotating and ending one costs an object, two clock reads and a tuple.

What an instance does not set stays a class attribute: most spans have no events, links or status, and pay for none.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes, _clean_attribute_value
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from whisperwatch import semconv, tape
from whisperwatch.bot.recording.recorder import recorder

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

logger = logging.getLogger(__name__)

SAMPLED = int(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of values that need no cleaning."""
_KEYS = frozenset({str})
_FULL = (
    "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new "
    "key-value pair."
)
_NO_ATTRIBUTES: tuple[int, dict[str, Any]] = (0, {})
_now = recorder.clock.now


class SpanEnvironment:
    """What the spans of one tracer share: scope, resource and the host's processors."""

    __slots__ = ("instrumentation_scope", "number", "processor", "resource")

    def __init__(self, number: int, instrumentation_scope: InstrumentationScope, resource: Resource) -> None:
        self.number = number
        self.instrumentation_scope = instrumentation_scope
        self.resource = resource
        self.processor: Any = None
        """None unless somebody added a processor; then every span pays the SDK's price."""


OURS: set[type] = set()
"""`Span` and its subclasses: asked for a type's membership, a set answers faster than `isinstance` does for a class
with an abstract base."""


class Span(ReadableSpan, trace.Span):
    """A recording span. `parent_id` 0 is none; times are monotonic nanoseconds of the recorder's clock."""

    state: TraceState | None = None
    parent_context: SpanContext | None = None
    flags = SAMPLED
    parent_flags = 0
    end_ns = 0
    static: tuple[int, dict[str, Any]] = _NO_ATTRIBUTES
    own: dict[str, Any] | None = None
    status_code = 0
    description: str | None = None
    event_records: list[tuple[Any, ...]] | None = None
    link_records: list[tuple[Any, ...]] | None = None
    cut_attributes = 0
    cut_events = 0
    cut_links = 0
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
        hosted.update_name(self.title)
        given = {**self.static[1], **(self.own or {})}
        whole_ids[self.span_id] = {key: given[key] for key in semconv.HASHED_ATTRIBUTES & given.keys()}
        try:
            hosted.end(self.end_time)
        finally:
            del whole_ids[self.span_id]

    def is_recording(self) -> bool:
        return not self.end_ns

    def get_span_context(self) -> SpanContext:
        context: SpanContext | None = self.__dict__.get("_span_context")
        if context is None:
            context = SpanContext(self.trace_id, self.span_id, False, TraceFlags(self.flags), self.state)
            self._span_context = context
        return context

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
        if type(value) not in _PLAIN or length is not None:
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
        logger.warning(_FULL)
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
        self.description = description

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """As the SDK's: type, message and stack trace, at the caller's wish."""
        self.add_event(
            "exception",
            {
                "exception.type": type_name(exception),
                "exception.message": str(exception),
                "exception.stacktrace": "".join(traceback.format_exception(exception)),
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
        about = {"exception.type": name, "exception.stacktrace": _frames(exception)}
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

    # --- what a processor or exporter reads ------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.title

    @property
    def context(self) -> SpanContext:
        return self.get_span_context()

    @property
    def kind(self) -> SpanKind:
        return SpanKind(self.kind_number)

    @property
    def parent(self) -> SpanContext | None:
        if self.parent_context is None and self.parent_id:
            self.parent_context = SpanContext(
                self.trace_id, self.parent_id, False, TraceFlags(self.flags), self.state
            )
        return self.parent_context

    @property
    def start_time(self) -> int:
        """Wall time, nanoseconds since the epoch."""
        return self.start_ns + recorder.clock.offset

    @property
    def end_time(self) -> int | None:
        """Wall time, nanoseconds since the epoch; None while it runs."""
        return self.end_ns + recorder.clock.offset if self.end_ns else None

    @property
    def status(self) -> Status:
        return Status(StatusCode(self.status_code), self.description)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Ids as they may leave this process: keyed hashes, unless the operator opted in."""
        merged = {**self.static[1], **(self.own or {})}
        for key in semconv.HASHED_ATTRIBUTES & merged.keys():
            merged[key] = recorder_ids.show(merged[key])
        return MappingProxyType(merged)

    @property
    def events(self) -> Sequence[Event]:
        offset = recorder.clock.offset
        return tuple(
            Event(name, _restored(kept, cut), at + offset) for name, at, kept, cut in self.event_records or ()
        )

    @property
    def links(self) -> Sequence[Link]:
        return tuple(_link(record) for record in self.link_records or ())

    @property
    def dropped_attributes(self) -> int:
        return self.cut_attributes

    @property
    def dropped_events(self) -> int:
        return self.cut_events

    @property
    def dropped_links(self) -> int:
        return self.cut_links

    @property
    def resource(self) -> Resource:
        return self.environment.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        return self.environment.instrumentation_scope

    @property
    def instrumentation_info(self) -> None:
        return None

    def _readable_span(self) -> ReadableSpan:
        """A copy as the SDK makes it, with the SDK's private attributes too."""
        return ReadableSpan(
            name=self.name, context=self.context, parent=self.parent, resource=self.resource,
            attributes=self.attributes, events=self.events, links=self.links, kind=self.kind, status=self.status,
            start_time=self.start_time, end_time=self.end_time, instrumentation_scope=self.instrumentation_scope,
        )  # fmt: skip

    def to_json(self, indent: int | None = 4) -> str:
        return str(self._readable_span().to_json(indent))


OURS.add(Span)


whole_ids: dict[int, dict[str, Any]] = {}
"""Ids of spans that are being given to the host, which gets hashes; the tape takes them from here, by span id."""


class Ids:
    """How ids are shown to processors inside this process; the watcher does the same for what it exports."""

    def __init__(self) -> None:
        self.show: Any = str
        """Set by `watch()`: the keyed hash of the state directory's key."""


recorder_ids = Ids()


def bounded(
    attributes: Mapping[str, Any] | None, most: int | None, length: int | None
) -> tuple[dict[str, Any] | None, int]:
    """Cleaned attributes within a limit, and how many were cut off; the oldest go first, as in the SDK."""
    if not attributes:
        return None, 0
    kept, cut = cleaned(attributes, most, length)
    if most is not None and len(kept) > most:
        excess = len(kept) - most
        for _ in range(excess):
            logger.warning(_FULL)
        return dict(list(kept.items())[excess:]), cut + excess
    return kept or None, cut


def cleaned(
    attributes: Mapping[str, Any], most: int | None, length: int | None
) -> tuple[dict[str, Any], int]:
    """Attributes with valid keys and values, and how many had none; with a limit of 0 none is looked at."""
    if most == 0:
        return {}, len(attributes)
    kept = dict(attributes)
    if (
        length is not None
        or not _KEYS.issuperset(map(type, kept))
        or not _PLAIN.issuperset(map(type, kept.values()))
        or "" in kept
    ):
        kept = dict(_clean_attribute_value(attributes, length))
    return kept, len(attributes) - len(kept)


def type_name(exception: BaseException) -> str:
    """As `exception.type` has it: qualified, `builtins` left out."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _frames(exception: BaseException) -> str:
    lines = []
    tb = exception.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {tb.tb_lineno}, in {code.co_qualname}')
        tb = tb.tb_next
    return "\n".join(["Traceback (most recent call last):", *lines, type_name(exception)])


def _link(record: tuple[Any, ...]) -> Link:
    trace_id, span_id, flags, state, kept, cut = record
    context = SpanContext(
        trace_id, span_id, bool(flags & tape.PARENT_REMOTE), TraceFlags(flags & 0xFF),
        TraceState.from_header([state]) if state else None,
    )  # fmt: skip
    return Link(context, _restored(kept, cut))


def _restored(kept: dict[str, Any] | None, cut: int) -> BoundedAttributes:
    attributes = BoundedAttributes(attributes=kept)
    attributes.dropped = cut
    return attributes
