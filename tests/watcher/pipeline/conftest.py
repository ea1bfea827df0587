"""What the pipeline's tests share: SDK telemetry as tape records, and a collector that can be told how to behave."""

from __future__ import annotations

import asyncio
import gzip
import marshal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Metric, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from whisperwatch.tape import PARENT_REMOTE
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Stream
from whisperwatch.watcher.settings import Export, Target

OFFSET = 1_700_000_000_000_000_000
"""What turns the monotonic times of the tests' tape into wall time."""


def plain(value: Any) -> Any:
    """An attribute value as the tape has it."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(plain(inner) for inner in value)
    return value


def flags(context: SpanContext | None) -> int:
    return int(context.trace_flags) | (PARENT_REMOTE if context.is_remote else 0) if context else 0


class Tape:
    """Turns SDK telemetry into a stream, its definitions and its records, as a bot's process would send them."""

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.stream = Stream(resource)
        self._sequence = 0
        self._definitions: list[tuple[Any, ...]] = []
        self._scopes: dict[int, int] = {}
        self._numbers = {"scope": 0, "attributes": 0, "instrument": 0, "cell": 0}

    def send(self, spans: list[Any] = [], cells: list[Any] = []) -> list[Any]:  # noqa: B006
        """Everything in a batch, through marshal as over the socket."""
        self._sequence += 1
        batch = ("batch", self._sequence, OFFSET, self._definitions, spans, cells, {})
        self._definitions = []
        return self.stream.take(marshal.loads(marshal.dumps(batch)))

    def define(self, sort: str, *rest: Any) -> int:
        self._numbers[sort] += 1
        self._definitions.append((sort, self._numbers[sort], *rest))
        return self._numbers[sort]

    def scope(self, scope: InstrumentationScope) -> int:
        if id(scope) not in self._scopes:
            attributes = plain(scope.attributes) if scope.attributes else None
            self._scopes[id(scope)] = self.define(
                "scope", scope.name, scope.version, scope.schema_url, attributes
            )
        return self._scopes[id(scope)]

    def span(self, span: ReadableSpan, static: int = 0) -> tuple[Any, ...]:
        """A SPAN; its first `static` attributes go into a defined set."""
        attributes = plain(span.attributes)
        fixed = dict(list(attributes.items())[:static])
        own = {key: value for key, value in attributes.items() if key not in fixed}
        cut = (span.dropped_attributes, span.dropped_events, span.dropped_links)
        context = span.context
        return (
            context.trace_id,
            context.span_id,
            span.parent.span_id if span.parent else 0,
            int(context.trace_flags) | (flags(span.parent) & PARENT_REMOTE),
            context.trace_state.to_header() or None,
            span.name,
            span.kind.value,
            span.start_time - OFFSET,
            span.end_time - OFFSET,
            self.define("attributes", fixed) if fixed else 0,
            own or None,
            span.status.status_code.value,
            span.status.description,
            tuple(
                (event.name, event.timestamp - OFFSET, plain(event.attributes), event.dropped_attributes)
                for event in span.events
            )
            or None,
            tuple(
                (
                    link.context.trace_id,
                    link.context.span_id,
                    flags(link.context),
                    link.context.trace_state.to_header() or None,
                    plain(link.attributes),
                    link.dropped_attributes,
                )
                for link in span.links
            )
            or None,
            self.scope(span.instrumentation_scope),
            cut if any(cut) else None,
        )

    def metrics(self, data: MetricsData) -> None:
        """Send metrics as definitions and cells."""
        cells = []
        for of_resource in data.resource_metrics:
            for of_scope in of_resource.scope_metrics:
                scope = self.scope(of_scope.scope)
                for metric in of_scope.metrics:
                    cells += self._cells(scope, metric)
        self.send([], cells)

    def _cells(self, scope: int, metric: Metric) -> list[tuple[Any, ...]]:
        points = list(metric.data.data_points)
        if isinstance(metric.data, Gauge):
            kind, bounds = "gauge", None
        elif isinstance(metric.data, Histogram):
            kind, bounds = "histogram", tuple(points[0].explicit_bounds)
        else:
            kind, bounds = ("counter" if metric.data.is_monotonic else "updowncounter"), None
        about = (scope, metric.name, kind, metric.unit, metric.description, bounds)
        instrument = self.define("instrument", *about)
        cells = []
        for point in points:
            start = (point.start_time_unix_nano or OFFSET) - OFFSET
            number = self.define("cell", instrument, plain(point.attributes), start)
            if kind == "histogram":
                exemplars = tuple(
                    (one.value, one.time_unix_nano - OFFSET, one.trace_id, one.span_id)
                    for one in point.exemplars
                )
                numbers = (point.count, point.sum, point.min, point.max, tuple(point.bucket_counts))
                cells.append((number, *numbers, exemplars or None))
            else:
                cells.append((number, point.value))
        return cells


@pytest.fixture(scope="session")
def tape() -> type[Tape]:
    return Tape


@pytest.fixture(scope="session")
def redaction() -> Redaction:
    return Redaction(bytes(32))


@dataclass
class Received:
    """A request that a collector got."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def spans(self) -> list[Any]:
        request = ExportTraceServiceRequest.FromString(self.body)
        return [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]

    @property
    def logs(self) -> list[Any]:
        request = ExportLogsServiceRequest.FromString(self.body)
        return [one for r in request.resource_logs for scope in r.scope_logs for one in scope.log_records]

    @property
    def metrics(self) -> dict[str, Any]:
        request = ExportMetricsServiceRequest.FromString(self.body)
        return {
            m.name: m for r in request.resource_metrics for scope in r.scope_metrics for m in scope.metrics
        }


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def ok(_: web.Request) -> web.StreamResponse:
    return web.Response(
        body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
    )


def status(code: int, **headers: str) -> Answer:
    """An answer with this status; `Retry_After="1"` is a header."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


@dataclass
class Collector:
    """A real HTTP server. Answers by `script`, in turn, then by `ok`; `taken` has what `ok` answered."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = Received(request.path, request.headers, body)
        if request.headers.get("Content-Encoding") == "gzip" and body[:2] == b"\x1f\x8b":
            received.body = gzip.decompress(body)
        self.requests.append(received)
        answer = self.script.pop(0) if self.script else ok
        if answer is ok:
            self.taken.append(received)
        async with self.changed:
            self.changed.notify_all()
        return await answer(request)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10) -> None:
        """Wait until a request made `condition` true."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(condition)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    # no decompression by the server: the tests look at what was sent
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, auto_decompress=False, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def answers() -> Any:
    """`answers.ok`, `answers.status`."""

    class Answers:
        pass

    Answers.ok = staticmethod(ok)
    Answers.status = staticmethod(status)
    return Answers


@pytest.fixture(scope="session")
def target() -> Callable[..., Target]:
    """Makes a `Target`, with the defaults of the settings."""

    def make(url: str, **changed: Any) -> Target:
        defaults: dict[str, Any] = {
            "protocol": "http/protobuf", "headers": (), "timeout_s": 10.0, "compression": "none",
            "certificate": None, "client_key": None, "client_certificate": None,
        }  # fmt: skip
        return Target(url=url, **{**defaults, **changed})

    return make


@pytest.fixture(scope="session")
def export() -> Callable[..., Export]:
    """Makes an `Export`, with the defaults of the settings."""

    def make(traces: Target | None = None, metrics: Target | None = None, **changed: Any) -> Export:
        defaults: dict[str, Any] = {
            "metric_interval_s": 60.0, "metric_timeout_s": 30.0, "span_delay_s": 5.0, "span_timeout_s": 30.0,
            "span_queue": None, "span_batch": 512, "buffer_bytes": 32_000_000, "temporality": "cumulative",
            "expose_ids": False,
        }  # fmt: skip
        return Export(traces=traces, metrics=metrics, **{**defaults, **changed})

    return make
