"""Our tracer provider: the SDK's, making deferred spans."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    sampling,
)
from opentelemetry.sdk.trace import Tracer as SDKTracer
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from whisperwatch import semconv, tape
from whisperwatch.bot.recording.blocks import SpanBlock
from whisperwatch.bot.recording.current import SPAN_KEY, read
from whisperwatch.bot.recording.limits import bounded
from whisperwatch.bot.recording.limits import span_limits as environments_limits
from whisperwatch.bot.recording.readable import SpanEnvironment
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.sampler import guide_sampler
from whisperwatch.bot.recording.spans import OURS, Span

logger = logging.getLogger(__name__)

_now = recorder.clock.now

_UNCONDITIONAL = (sampling.ALWAYS_ON, sampling.DEFAULT_ON)
"""Samplers whose answer is known without asking: sampled, unless the parent isn't (DEFAULT_ON)."""


class Tracer(SDKTracer):
    """Makes deferred spans; everything else is the SDK tracer's."""

    def __init__(self, provider: TracerProvider, scope: InstrumentationScope, number: int) -> None:
        self.id_generator = provider.id_generator
        self.span_processor = provider._active_span_processor
        self.resource = provider.resource
        self._instrumentation_scope = scope
        self._span_limits = recorder.limits
        self.environment = SpanEnvironment(number, scope, provider.resource)
        self.ask(provider.sampler)
        self.host: trace.Tracer | None = None
        """The tracer of a provider that the host application set after ours, and that wins."""

    def ask(self, sampler: sampling.Sampler) -> None:
        """Have this sampler decide."""
        self.sampler = sampler
        self.always = sampler in _UNCONDITIONAL
        self.plain = self.always and type(self.id_generator) is RandomIdGenerator  # a child needs no question

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        if self.host is not None:
            return self.host.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )  # fmt: skip
        parent: Any = (read() if context is None else context).get(SPAN_KEY)
        if (
            self.plain
            and type(parent) in OURS
            and not (links or parent.end_ns)
            and (parent.flags & 1)
            and recorder.on
        ):
            span: trace.Span = self._follow(name, kind, parent, attributes)
        else:
            span = self.begin(name, kind, context, attributes, links or ())
        if not isinstance(span, Span):
            return span
        if start_time is not None:
            span.start_ns = start_time - recorder.clock.offset
        if not record_exception:
            span.records_exceptions = False
        if not set_status_on_exception:
            span.sets_status = False
        if self.environment.processor is not None:
            self.environment.processor.on_start(span, parent_context=context)
        return span

    def start_as_current_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> SpanBlock:
        how = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return SpanBlock(self.start_span, how, record_exception, set_status_on_exception, end_on_exit)

    def _follow(self, name: str, kind: SpanKind, parent: Span, attributes: Mapping[str, Any] | None) -> Span:
        """What `begin` makes under a running span of ours, where nobody has to be asked."""
        span = Span.__new__(Span)
        span.title, span.kind_number, span.environment = name, kind.value, self.environment
        span.trace_id, span.span_id, span.parent_id = parent.trace_id, getrandbits(64), parent.span_id
        if parent.ornate:
            span.ornate, span.flags, span.state = True, parent.flags, parent.state
        if attributes:
            span.own, cut = bounded_span_attributes(attributes)
            if cut:
                span.ornate, span.cut_attributes = True, cut
        root = parent if parent.is_root else parent.root
        if root is not None:
            span.root = root
            root.touched = True
        span.start_ns = _now()
        return span

    def begin(
        self,
        name: str,
        kind: SpanKind,
        context: Context | None,
        attributes: Mapping[str, Any] | None,
        links: Sequence[trace.Link],
    ) -> trace.Span:
        """A started span, or a NonRecordingSpan, as the sampler has it."""
        parent = trace.get_current_span(context)
        cause = ended_root(parent) if isinstance(parent, Span) else None
        above = None if cause else _context_of(parent)
        if not recorder.on:
            return NonRecordingSpan(above or trace.INVALID_SPAN_CONTEXT)
        trace_id = above.trace_id if above else self.id_generator.generate_trace_id()
        decision, attributes, state = self._decide(context, trace_id, name, kind, attributes, links, above)
        random = above.trace_flags.random_trace_id if above else self.id_generator.is_trace_id_random()
        sampled = decision is Decision.RECORD_AND_SAMPLE
        flags = (TraceFlags.SAMPLED if sampled else 0) | (TraceFlags.RANDOM_TRACE_ID if random else 0)
        span_id = self.id_generator.generate_span_id()
        if decision is Decision.DROP:
            return NonRecordingSpan(SpanContext(trace_id, span_id, False, TraceFlags(flags), state))
        span = Span(name, kind.value, self.environment, trace_id, span_id, above.span_id if above else 0)
        span.ornate = True
        span.flags = flags
        span.state = state or None
        span.parent_context = above
        if above is not None and above.is_remote:
            span.parent_flags = tape.PARENT_REMOTE
        if attributes:
            span.own, span.cut_attributes = bounded_span_attributes(attributes)
        for link in links:
            if link:
                span.add_link(link.context, link.attributes)
        if cause is not None:
            span.add_link(cause.get_span_context(), {semconv.TASK_CAUSE: "ended_root"})
        elif isinstance(parent, Span) and parent.root is not None:
            span.root = parent.root
            parent.root.touched = True
        return span

    def _decide(
        self,
        context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        links: Sequence[trace.Link],
        above: SpanContext | None,
    ) -> tuple[Decision, Mapping[str, Any] | None, TraceState | None]:
        """The sampler's decision, the attributes that it wants, and the trace's state."""
        if not self.always:
            result = self.sampler.should_sample(context, trace_id, name, kind, attributes, links)
            return result.decision, result.attributes, result.trace_state
        dropped = self.sampler is sampling.DEFAULT_ON and above is not None and not above.trace_flags.sampled
        decision = Decision.DROP if dropped else Decision.RECORD_AND_SAMPLE
        return decision, attributes, above.trace_state if above else None


class TracerProvider(SDKTracerProvider):
    """The SDK's provider, making deferred spans. Processors may be added; each span pays for them only then.

    Takes the SDK provider's arguments; `sampler` defaults to `PERFORMANCE_SAMPLING_RATE`, then `OTEL_TRACES_SAMPLER`.
    """

    def __init__(
        self,
        sampler: sampling.Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: SynchronousMultiSpanProcessor | ConcurrentMultiSpanProcessor | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: SpanLimits | None = None,
    ) -> None:
        super().__init__(
            sampler or guide_sampler(),
            resource,
            shutdown_on_exit,
            active_span_processor,
            id_generator,
            span_limits or environments_limits(),
        )
        recorder.limits = self._span_limits
        self._own_tracers: dict[InstrumentationScope, Tracer] = {}
        self._has_processors = active_span_processor is not None
        self._host: trace.TracerProvider | None = None

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> trace.Tracer:
        if self._disabled:
            return trace.NoOpTracer()
        if not instrumenting_module_name:
            logger.error("get_tracer called with missing module name.")
        version = instrumenting_library_version or ""
        scope = InstrumentationScope(instrumenting_module_name or "", version, schema_url, attributes)
        with self._tracers_lock:
            tracer = self._own_tracers.get(scope)
            if tracer is None:
                number = recorder.define_scope(scope.name, scope.version, scope.schema_url, scope.attributes)
                tracer = self._own_tracers[scope] = Tracer(self, scope, number)
                if self._has_processors:
                    tracer.environment.processor = self._active_span_processor
                if self._host is not None:
                    tracer.host = _host_tracer(self._host, scope)
            return tracer

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        while recorder.settle(1000):  # what has ended before is not for the new one
            pass
        super().add_span_processor(span_processor)
        with self._tracers_lock:
            self._has_processors = True
            for tracer in self._own_tracers.values():
                tracer.environment.processor = self._active_span_processor
        recorder.when_switched()

    def sample_by(self, sampler: sampling.Sampler) -> None:
        """Ask this sampler from now on."""
        with self._tracers_lock:
            self.sampler = sampler
            for tracer in self._own_tracers.values():
                tracer.ask(sampler)
        recorder.when_switched()

    def hand_over(self, host: trace.TracerProvider) -> None:
        """From now on every tracer of ours starts its spans at the host's provider."""
        with self._tracers_lock:
            self._host = host
            for scope, tracer in self._own_tracers.items():
                tracer.host = _host_tracer(host, scope)

    def _update_resource(self, resource: Resource) -> None:
        with self._tracers_lock:
            self._resource = self._resource.merge(resource)
            for tracer in self._own_tracers.values():
                tracer.resource = tracer.environment.resource = self._resource

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        flushed = super().force_flush(timeout_millis)
        return bool(flushed and recorder.flush_tape(timeout_millis))


def _context_of(parent: trace.Span) -> SpanContext | None:
    """What a span below it needs of it; None where there is no span."""
    context = parent.get_span_context()
    return context if isinstance(parent, Span) or context.is_valid else None


def ended_root(parent: Span) -> Span | None:
    """The root that `parent` belonged to, when both have ended: what starts now begins a trace of its own."""
    root = parent.root
    if root is not None and root.end_ns and parent.end_ns:
        return root
    return None


def bounded_span_attributes(attributes: Mapping[str, Any]) -> tuple[dict[str, Any] | None, int]:
    """Cleaned attributes within the span's limit, and how many were cut off."""
    return bounded(attributes, recorder.limits.max_span_attributes, recorder.limits.max_span_attribute_length)


def _host_tracer(host: trace.TracerProvider, scope: InstrumentationScope) -> trace.Tracer:
    return host.get_tracer(scope.name, scope.version, scope.schema_url, scope.attributes)
