"""What a processor or an exporter reads of our spans: the SDK span's properties, made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from whisperwatch import semconv, tape
from whisperwatch.bot.recording.recorder import recorder

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

SAMPLED = int(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
NO_ATTRIBUTES: tuple[int, dict[str, Any]] = (0, {})


class SpanEnvironment:
    """What the spans of one tracer share: scope, resource and the host's processors."""

    __slots__ = ("instrumentation_scope", "number", "processor", "resource")

    def __init__(self, number: int, instrumentation_scope: InstrumentationScope, resource: Resource) -> None:
        self.number = number
        self.instrumentation_scope = instrumentation_scope
        self.resource = resource
        self.processor: Any = None
        """None unless somebody added a processor; then every span pays the SDK's price."""


class Ids:
    """How ids are shown to processors inside this process; the watcher does the same for what it exports."""

    def __init__(self) -> None:
        self.show: Any = str
        """Set by `watch()`: the keyed hash of the state directory's key."""


recorder_ids = Ids()


class Readable(ReadableSpan):
    """A span's fields, and the SDK's properties over them.

    `parent_id` 0 is none; times are monotonic nanoseconds of the recorder's clock. What an instance does not set stays
    a class attribute: most spans have no events, links or status, and pay for none.
    """

    title: str
    kind_number: int
    environment: SpanEnvironment
    trace_id: int
    span_id: int
    parent_id: int
    start_ns: int
    end_ns = 0
    state: TraceState | None = None
    parent_context: SpanContext | None = None
    flags = SAMPLED
    parent_flags = 0
    static: tuple[int, dict[str, Any]] = NO_ATTRIBUTES
    own: dict[str, Any] | None = None
    status_code = 0
    description: str | None = None
    event_records: list[tuple[Any, ...]] | None = None
    link_records: list[tuple[Any, ...]] | None = None
    cut_attributes = 0
    cut_events = 0
    cut_links = 0

    def get_span_context(self) -> SpanContext:
        context: SpanContext | None = self.__dict__.get("_span_context")
        if context is None:
            context = SpanContext(self.trace_id, self.span_id, False, TraceFlags(self.flags), self.state)
            self._span_context = context
        return context

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
