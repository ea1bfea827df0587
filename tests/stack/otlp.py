"""OTLP by hand: what bots and others send, and a store that only keeps what it is sent."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest,
}  # fmt: skip
SERVICE = {"service.name": "bot", "service.instance.id": "one"}


class Sink:
    """An OTLP/HTTP receiver on loopback that keeps what it gets, decoded; `refusing` answers 503.

    Args:
        beyond: another receiver's address, that gets it too.
    """

    def __init__(self, port: int = 0, beyond: str | None = None) -> None:
        self.got: dict[str, list[Any]] = {signal: [] for signal in REQUESTS}
        self.refusing = False
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if not sink.refusing:
                    signal = self.path.rpartition("/")[2]
                    sink.got[signal].append(REQUESTS[signal].FromString(body))
                    if beyond is not None:
                        post(f"{beyond}{self.path}", body)
                self.send_response(503 if sink.refusing else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def targets(self) -> dict[str, str]:
        """The environment of a collector that sends everything here."""
        return {
            "PROMETHEUS_OTLP": f"{self.url}/v1/metrics",
            "LOKI_OTLP": f"{self.url}/v1/logs",
            "TEMPO_OTLP": f"{self.url}/v1/traces",
        }

    def spans(self) -> list[Span]:
        return [
            span
            for request in list(self.got["traces"])
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[LogRecord]:
        return [
            record
            for request in list(self.got["logs"])
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self, name: str) -> list[Metric]:
        return [
            metric
            for request in list(self.got["metrics"])
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(collector: str, signal: str, request: Any) -> None:
    """Raises OSError where it isn't taken."""
    post(f"{collector}/v1/{signal}", request.SerializeToString())


def post(url: str, body: bytes) -> None:
    headers = {"content-type": "application/x-protobuf"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=100).close()


def traces(spans: Iterable[Span], resource: Mapping[str, Any] = SERVICE) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    into = request.resource_spans.add()
    into.resource.attributes.extend(pairs(resource))
    into.scope_spans.add().spans.extend(spans)
    return request


def logs(records: Iterable[LogRecord], resource: Mapping[str, Any] = SERVICE) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    into = request.resource_logs.add()
    into.resource.attributes.extend(pairs(resource))
    into.scope_logs.add().log_records.extend(records)
    return request


def counter(
    name: str, value: int, at_ns: int, attributes: Mapping[str, Any] = {}, resource: Mapping[str, Any] = SERVICE
) -> ExportMetricsServiceRequest:  # fmt: skip
    """A request with one counter of one point."""
    request = ExportMetricsServiceRequest()
    into = request.resource_metrics.add()
    into.resource.attributes.extend(pairs(resource))
    metric = into.scope_metrics.add().metrics.add(name=name)
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 2
    metric.sum.data_points.append(
        NumberDataPoint(
            attributes=pairs(attributes), start_time_unix_nano=1, time_unix_nano=at_ns, as_int=value
        )
    )
    return request


def gauge(
    name: str, unit: str, value: float, at_ns: int, resource: Mapping[str, Any]
) -> ExportMetricsServiceRequest:
    """A request with one gauge of one point."""
    request = ExportMetricsServiceRequest()
    into = request.resource_metrics.add()
    into.resource.attributes.extend(pairs(resource))
    metric = into.scope_metrics.add().metrics.add(name=name, unit=unit)
    metric.gauge.data_points.append(NumberDataPoint(time_unix_nano=at_ns, as_double=value))
    return request


def span(
    trace: int, number: int = 1, *, parent: int = 0, name: str = "message", took_s: float = 0.1,
    failed: bool = False, attributes: Mapping[str, Any] = {},
) -> Span:  # fmt: skip
    """One that has ended just now."""
    end = time.time_ns()
    return Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        kind=Span.SPAN_KIND_CONSUMER,
        start_time_unix_nano=end - int(took_s * 1e9),
        end_time_unix_nano=end,
        attributes=pairs(attributes),
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
    )


def log(body: str, at_ns: int = 0, *, event: str = "", attributes: Mapping[str, Any] = {}) -> LogRecord:
    record = LogRecord(time_unix_nano=at_ns or time.time_ns(), event_name=event, attributes=pairs(attributes))
    record.severity_number, record.severity_text = SeverityNumber.SEVERITY_NUMBER_INFO, "INFO"
    record.body.string_value = body
    return record


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def plain(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as a dict."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in attributes}


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
