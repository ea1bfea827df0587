"""Which providers record: ours, or the host application's, whether it set them before ours or sets them after.

The OpenTelemetry API takes one provider, once. Ours are put in place without using up that once, so a provider that
the host sets later is not refused; it then wins, and ours hand over to it.
"""

from __future__ import annotations

import os
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.environment_variables import OTEL_PYTHON_METER_PROVIDER, OTEL_PYTHON_TRACER_PROVIDER
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, sampling
from opentelemetry.sdk.trace import Span as SDKSpan
from opentelemetry.trace import TraceFlags
from opentelemetry.util._once import Once

from whisperwatch import tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording.limits import span_limits
from whisperwatch.bot.recording.metering import MeterProvider, unsupported
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import root_here
from whisperwatch.bot.recording.sampler import guide_sampler
from whisperwatch.bot.recording.spans import whole_ids
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing


class Providers:
    """Our two providers, and the host's where it has any. `install()` may be called again: it does nothing then."""

    def __init__(self) -> None:
        self.tracer_provider: TracerProvider | None = None
        self.meter_provider: MeterProvider | None = None
        self._resource: Resource | None = None

    @property
    def hosted(self) -> tuple[str, ...]:
        """The signals that go to providers of the host's."""
        meters = self.meter_provider
        signals = {"spans": tracing.host is not None, "metrics": meters is not None and meters.hosted}
        return tuple(signal for signal, theirs in signals.items() if theirs)

    def install(self, resource: Resource | None = None) -> None:
        """Put our providers in place, or take the host's.

        Raises:
            Unsupported: `OTEL_CONFIG_FILE` is set and the host has not set both providers.
        """
        if self.tracer_provider is not None:
            return
        _load_named()
        host_tracer, host_meter = trace._TRACER_PROVIDER, metrics_internal._METER_PROVIDER
        if host_tracer is None or host_meter is None:
            _refuse_configuration()
        self._resource = resource
        self.tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.meter_provider = MeterProvider(resource=resource, shutdown_on_exit=False)
        tracing.use(self.tracer_provider)
        if host_tracer is not None:
            self._take_tracers(host_tracer)
        else:
            trace._TRACER_PROVIDER = self.tracer_provider
            trace._TRACER_PROVIDER_SET_ONCE = _Handover(self._tracers_set)
        if host_meter is not None:
            self._take_meters(host_meter)
        else:
            metrics_internal._METER_PROVIDER = self.meter_provider
            metrics_internal._PROXY_METER_PROVIDER.on_set_meter_provider(self.meter_provider)
            metrics_internal._METER_PROVIDER_SET_ONCE = _Handover(self._meters_set)

    def look_again(self) -> None:
        """Take what the environment says by now of sampler, limits and resource: the bot may have read a `.env` file
        since it was instrumented."""
        ours = self.tracer_provider
        if ours is None:
            return
        sampler = guide_sampler() or sampling._get_from_env_or_default()
        if sampler.get_description() != ours.sampler.get_description():
            ours.sample_by(sampler)
        recorder.limits = span_limits()
        if self._resource is None and (resource := Resource.create()) != ours.resource:
            ours._update_resource(resource)

    def _tracers_set(self) -> None:
        host = trace._TRACER_PROVIDER
        if host is not None and host is not self.tracer_provider:
            self._take_tracers(host)

    def _meters_set(self) -> None:
        host = metrics_internal._METER_PROVIDER
        if host is not None and host is not self.meter_provider:
            self._take_meters(host)

    def _take_tracers(self, host: trace.TracerProvider) -> None:
        assert self.tracer_provider is not None
        try:
            add_processor = getattr(host, "add_span_processor", None)
            if add_processor is not None:
                add_processor(TapeProcessor())
            self.tracer_provider.hand_over(host)
            tracing.use_host(host)
        except Exception:
            guard.failed("the host's tracer provider")

    def _take_meters(self, host: metrics.MeterProvider) -> None:
        assert self.meter_provider is not None
        try:
            self.meter_provider.hand_over(host)
        except Exception:
            guard.failed("the host's meter provider")


def _load_named() -> None:
    """Let the API load the providers that the environment names, as it does when it is first asked for them."""
    if OTEL_PYTHON_TRACER_PROVIDER in os.environ:
        trace.get_tracer_provider()
    if OTEL_PYTHON_METER_PROVIDER in os.environ:
        metrics.get_meter_provider()


def _refuse_configuration() -> None:
    for name in ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"):
        if os.environ.get(name):
            raise unsupported(name)


class _Handover(Once):
    """The API's once, which tells us when the host has used it."""

    def __init__(self, told: Any) -> None:
        super().__init__()
        self._told = told

    def do_once(self, func: Any) -> bool:
        done = super().do_once(func)
        if done:
            self._told()
        return done


class TapeProcessor(SpanProcessor):
    """Puts the spans of a host's provider on our tape too."""

    def __init__(self) -> None:
        self._scopes: dict[Any, int] = {}

    def on_start(self, span: SDKSpan, parent_context: Context | None = None) -> None:
        root = root_here()
        if root is not None and span.parent is not None:
            root.touched = True

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags & TraceFlags.SAMPLED or not recorder.on:
            return
        recorder.span_ended(self._record(span))

    def _record(self, span: ReadableSpan) -> tuple[Any, ...]:
        offset = recorder.clock.offset
        parent = span.parent
        flags = int(span.context.trace_flags) | (
            tape.PARENT_REMOTE if parent is not None and parent.is_remote else 0
        )
        events = tuple(
            (e.name, e.timestamp - offset, dict(e.attributes or {}) or None, e.dropped_attributes)
            for e in span.events
        )
        links = tuple(_link(link) for link in span.links)
        dropped = (span.dropped_attributes, span.dropped_events, span.dropped_links)
        attributes = dict(span.attributes or {})
        attributes.update(whole_ids.get(span.context.span_id, ()))
        return (
            span.context.trace_id, span.context.span_id, parent.span_id if parent is not None else 0, flags,
            span.context.trace_state.to_header() or None, span.name, span.kind.value,
            (span.start_time or 0) - offset, (span.end_time or 0) - offset, 0, attributes or None,
            span.status.status_code.value, span.status.description, events or None, links or None,
            self._scope(span), dropped if any(dropped) else None,
        )  # fmt: skip

    def _scope(self, span: ReadableSpan) -> int:
        scope = span.instrumentation_scope
        if scope is None:
            return recorder.scope
        if scope not in self._scopes:
            self._scopes[scope] = recorder.define_scope(
                scope.name, scope.version, scope.schema_url, scope.attributes
            )
        return self._scopes[scope]


def _link(link: trace.Link) -> tuple[Any, ...]:
    context = link.context
    flags = int(context.trace_flags) | (tape.PARENT_REMOTE if context.is_remote else 0)
    return (
        context.trace_id, context.span_id, flags, context.trace_state.to_header() or None,
        dict(link.attributes or {}) or None, link.dropped_attributes,
    )  # fmt: skip


providers = Providers()
"""This process's."""
