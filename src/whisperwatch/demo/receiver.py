"""The demo's collector: takes what the watcher exports over OTLP/HTTP and keeps the spans, to be shown and checked."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

_MAX_BODY = 64 * 1024 * 1024
_TYPE = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it came. Times in seconds since 1970; `parent_id` is "" for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    scope: str
    start: float
    end: float
    attributes: dict[str, Any]
    failed: bool
    message: str

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def library(self) -> str:
        """What was called: LLM, SQL, Redis; "" for what is no such call."""
        if "gen_ai.operation.name" in self.attributes:
            return "LLM"
        system = self.attributes.get("db.system.name") or self.attributes.get("db.system")
        return {"postgresql": "SQL", "redis": "Redis"}.get(str(system), "")


class Traces:
    """The spans that came, by trace: the newest `most` traces."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._traces: OrderedDict[str, dict[str, ReceivedSpan]] = OrderedDict()
        self.forgotten = 0
        """Traces that were dropped because there were too many."""
        self.doubled = 0
        """Spans that came more than once."""
        self.libraries: Counter[str] = Counter()
        """Spans by library, of all that ever came."""

    def add(self, span: ReceivedSpan) -> None:
        """Keep a span; the same one twice is one, and counted."""
        trace = self._traces.setdefault(span.trace_id, {})
        if span.span_id in trace:
            self.doubled += 1
        elif span.library:
            self.libraries[span.library] += 1
        trace[span.span_id] = span
        if len(self._traces) > self._most:
            self._traces.popitem(last=False)
            self.forgotten += 1

    def __iter__(self) -> Iterator[list[ReceivedSpan]]:
        """Each trace, as its spans."""
        for trace in self._traces.values():
            yield list(trace.values())

    def spans(self) -> Iterator[ReceivedSpan]:
        """Every span of every trace."""
        for trace in self._traces.values():
            yield from trace.values()

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """The spans of one trace, by start."""
        return sorted(self._traces.get(trace_id, {}).values(), key=lambda span: span.start)

    def latest(self, roots: tuple[str, ...]) -> list[ReceivedSpan]:
        """The newest trace whose root has come, has children and one of these names; [] where there is none."""
        for trace_id in reversed(self._traces):
            trace = self.trace(trace_id)
            if len(trace) > 1 and any(not span.parent_id and span.name in roots for span in trace):
                return trace
        return []


class Receiver:
    """An OTLP/HTTP receiver on a free port of the loopback interface."""

    name = "collector"

    def __init__(self) -> None:
        self.traces = Traces()
        self.requests: Counter[str] = Counter()
        """Requests taken, by signal: traces, metrics, logs."""
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}

    async def start(self) -> None:
        """Start to listen."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post("/v1/traces", self._take_traces)
        app.router.add_post("/v1/metrics", self._take_metrics)
        app.router.add_post("/v1/logs", self._take_logs)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take_traces(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            spans = await asyncio.to_thread(decode, body)
        except DecodeError as error:
            return web.Response(status=400, text=f"not an ExportTraceServiceRequest: {error}")
        self.requests["traces"] += 1
        for span in spans:
            self.traces.add(span)
        return _taken(ExportTraceServiceResponse().SerializeToString())

    async def _take_metrics(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests["metrics"] += 1
        return _taken(ExportMetricsServiceResponse().SerializeToString())

    async def _take_logs(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests["logs"] += 1
        return _taken(ExportLogsServiceResponse().SerializeToString())


def decode(body: bytes) -> list[ReceivedSpan]:
    """The spans of an ExportTraceServiceRequest.

    Raises:
        google.protobuf.message.DecodeError: it isn't one.
    """
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _span(span, scoped.scope.name)
        for resource in request.resource_spans
        for scoped in resource.scope_spans
        for span in scoped.spans
    ]


def _span(span: trace_pb2.Span, scope: str) -> ReceivedSpan:
    return ReceivedSpan(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        scope,
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        {pair.key: _value(pair.value) for pair in span.attributes},
        span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        span.status.message,
    )


def _value(value: AnyValue) -> Any:
    sort = value.WhichOneof("value")
    if sort is None:
        return None
    if sort == "array_value":
        return [_value(item) for item in value.array_value.values]
    if sort == "kvlist_value":
        return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, sort)


def _taken(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=_TYPE)
