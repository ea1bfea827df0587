"""Starting spans: the short way that our own instrumentation takes, to our provider's spans or the host's."""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import (
    sampling,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanKind, TraceFlags

from whisperwatch import semconv
from whisperwatch.bot.recording.current import ROOT_KEY, SPAN_KEY, read
from whisperwatch.bot.recording.readable import SpanEnvironment
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import OURS, Span
from whisperwatch.bot.recording.tracer import Tracer, TracerProvider, bounded_span_attributes
from whisperwatch.version import __version__

_NEVER = (sampling.ALWAYS_OFF,)
"""Samplers that sample nothing, whatever the parent."""
_now = recorder.clock.now


class Tracing:
    """How our own instrumentation starts its spans: without the API's detours, with the host's where there is one."""

    def __init__(self) -> None:
        self.provider: TracerProvider | None = None
        self.host: trace.Tracer | None = None
        self.tracer: Tracer | None = None
        self.environment: SpanEnvironment
        """Of our own scope."""
        self.plain = False
        """Every root is sampled and recorded by us alone: nobody has to be asked before one starts."""
        self.silent = False
        """No span is ever sampled, and nobody else is to hear of them: none is started."""

    def use(self, provider: TracerProvider) -> None:
        """Record through our own provider."""
        tracer = provider.get_tracer(semconv.SCOPE, __version__)
        self.provider = provider
        self.tracer = None
        if isinstance(tracer, Tracer):
            self.tracer = tracer
            self.environment = Span.environment = tracer.environment
        self.host = None
        self.look()
        recorder.when_switched = self.look

    def use_host(self, provider: trace.TracerProvider) -> None:
        """Record through the host's provider: a tracer or a provider that came before or after ours."""
        self.host = provider.get_tracer(semconv.SCOPE, __version__)
        self.look()

    def look(self) -> None:
        """Find out whether starting is `plain`, after anything that it depends on has changed."""
        tracer = self.tracer
        alone = tracer is not None and self.host is None and tracer.environment.processor is None
        self.silent = tracer is None or not recorder.on or (alone and tracer.sampler in _NEVER)
        self.plain = (
            tracer is not None
            and alone
            and not self.silent
            and tracer.always
            and type(tracer.id_generator) is RandomIdGenerator
        )

    def child(self, name: str, kind: int, static: tuple[int, dict[str, Any]]) -> Span | None:
        """A span under the current one, or a trace of its own; None where nothing is recorded."""
        span = Span.__new__(Span)
        span.title, span.kind_number, span.static = name, kind, static
        return span if self.start(span) else None

    def start(self, span: Span) -> bool:
        """Start a span, whose title, kind and static attributes are set, under the current one, or as a trace of its
        own; says whether it records."""
        parent: Any = read().get(SPAN_KEY)
        if not self.plain or type(parent) not in OURS or parent.end_ns:
            return not self.silent and self._start_slowly(span, parent)
        span.trace_id = parent.trace_id
        span.span_id = getrandbits(64)
        span.parent_id = parent.span_id
        if parent.ornate:
            span.ornate, span.flags, span.state = True, parent.flags, parent.state
        root = parent if parent.is_root else parent.root
        if root is not None:
            span.root = root
            root.touched = True
        span.environment = self.environment
        span.start_ns = _now()
        return True

    def _start_slowly(self, span: Span, parent: Any) -> bool:
        tracer = self.tracer
        if tracer is None or not recorder.on:
            return False
        if self.host is not None:
            return self._start_hosted(span, self.host)
        started = tracer.begin(span.title, SpanKind(span.kind_number), None, span.static[1], ())
        if not isinstance(started, Span):
            return False
        own = added(started.own, span.static[1])
        span.__dict__.update(started.__dict__)
        span.own = own
        if tracer.environment.processor is not None:
            tracer.environment.processor.on_start(span, parent_context=None)
        return True

    def root(self, span: Span) -> bool:
        """Start a span, made by the caller with ids of its own, as the root of a new trace; says whether it records."""
        tracer = self.tracer
        if tracer is None or not recorder.on:
            span.ornate, span.flags = True, 0
            return False
        if self.host is not None:
            return self._host_root(span)
        if not (tracer.plain or self._may_begin(tracer, span)):
            return False
        if tracer.environment.processor is not None:
            tracer.environment.processor.on_start(span, parent_context=Context())
        return True

    @staticmethod
    def _may_begin(tracer: Tracer, span: Span) -> bool:
        """Ids and the sampler's answer for a root, where they aren't known without asking."""
        generator, static = tracer.id_generator, span.static[1]
        span.trace_id, span.span_id = generator.generate_trace_id(), generator.generate_span_id()
        random = TraceFlags.RANDOM_TRACE_ID if generator.is_trace_id_random() else TraceFlags.DEFAULT
        span.flags, span.ornate = random | TraceFlags.SAMPLED, True
        if tracer.always:
            return True
        kind = SpanKind(span.kind_number)
        result = tracer.sampler.should_sample(Context(), span.trace_id, span.title, kind, static, ())
        span.state = result.trace_state or None
        if result.decision is not Decision.RECORD_AND_SAMPLE:
            span.flags = random
        if result.decision is not Decision.DROP:
            span.own = added(bounded_span_attributes(result.attributes)[0], static)
            return True
        return False

    def _start_hosted(self, span: Span, host: trace.Tracer) -> bool:
        hosted = host.start_span(span.title, None, SpanKind(span.kind_number), span.static[1])
        span.environment, span.start_ns, span.parent_id = self.environment, _now(), 0
        root = read().get(ROOT_KEY)
        if root is not None:
            span.root = root  # type: ignore[assignment]
            span.root.touched = True  # type: ignore[union-attr]
        _stand_for(span, hosted)
        return hosted.is_recording()

    def _host_root(self, span: Span) -> bool:
        assert self.host is not None
        hosted = self.host.start_span(
            span.title, Context(), SpanKind(span.kind_number), span.static[1], start_time=span.start_time
        )
        _stand_for(span, hosted)
        return hosted.is_recording()


def _stand_for(span: Span, hosted: trace.Span) -> None:
    context = hosted.get_span_context()
    span.trace_id, span.span_id, span.flags = context.trace_id, context.span_id, int(context.trace_flags)
    span.hosted, span.hosted_title, span.ornate = hosted, span.title, True
    span._span_context = context


tracing = Tracing()
"""This process's."""


def added(attributes: Mapping[str, Any] | None, static: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a sampler has added to, or changed in, the attributes that it was asked about."""
    found = {
        key: value for key, value in (attributes or {}).items() if key not in static or static[key] != value
    }
    return found or None
