"""OTLP over gRPC against a real server: what comes of each status, and what is said without grpcio."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from whisperwatch.watcher.pipeline.otlp_grpc import GrpcTransport, retry_delay
from whisperwatch.watcher.pipeline.transport import Failed, Refused, Taken, UnusableTransportError

grpc = pytest.importorskip("grpc", reason="needs the extra whisperwatch[otlp]")
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


class Server:
    """Answers every call by `answer`, which may abort."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes, dict[str, Any]]] = []
        self.abort: tuple[Any, ...] | None = None
        self.answer = b""
        self.url = ""

    async def handle(self, method: str, request: bytes, context: Any) -> bytes:
        self.calls.append((method, request, dict(context.invocation_metadata())))
        if self.abort is not None:
            await context.abort(*self.abort)
        return self.answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            async def call(request: bytes, context: Any) -> bytes:
                return await made.handle(details.method, request, context)

            return grpc.unary_unary_rpc_method_handler(call)

    running = grpc.aio.server()
    running.add_generic_rpc_handlers((Handler(),))
    made.url = f"http://127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    await running.start()
    yield made
    await running.stop(None)


async def send(signal: Any, target: Any, body: bytes = b"", timeout_s: float = 5.0) -> Any:
    transport = GrpcTransport(signal, target, timeout_s)
    try:
        return await transport.send(transport.prepare(body))
    finally:
        await transport.close()


def retry_info(seconds: int, nanos: int = 0) -> bytes:
    """A google.rpc.Status with a RetryInfo, as google's own classes encode it."""
    from google.protobuf.any_pb2 import Any as Packed
    from google.protobuf.duration_pb2 import Duration
    from google.rpc.error_details_pb2 import DebugInfo, RetryInfo
    from google.rpc.status_pb2 import Status

    details = [Packed(), Packed()]
    details[0].Pack(DebugInfo(detail="x"))
    details[1].Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    return Status(code=14, message="busy", details=details).SerializeToString()


@pytest.mark.parametrize(("signal", "method"), [("spans", TRACES), ("metrics", METRICS)])
async def test_what_is_called(server, target, signal, method):
    body = ExportTraceServiceRequest().SerializeToString() + b"\x0a\x00"
    there = target(server.url, protocol="grpc", headers=(("Authorization", "Bearer x"),))
    assert await send(signal, there, body) == Taken()
    ((called, request, metadata),) = server.calls
    assert (called, request, metadata["authorization"]) == (method, body, "Bearer x")
    assert metadata["user-agent"].startswith("whisperwatch/")


async def test_gzip(server, target):
    assert (
        await send("spans", target(server.url, protocol="grpc", compression="gzip"), b"\x0a\x00" * 99)
        == Taken()
    )
    assert server.calls[0][1] == b"\x0a\x00" * 99


async def test_partial_success(server, target):
    response = ExportMetricsServiceResponse()
    response.partial_success.rejected_data_points = 2
    response.partial_success.error_message = "no"
    server.answer = response.SerializeToString()
    assert await send("metrics", target(server.url, protocol="grpc")) == Taken(2, "no")


async def test_an_answer_that_is_no_otlp(server, target):
    server.answer = b"\xff\xff"
    outcome = await send("spans", target(server.url, protocol="grpc"))
    assert isinstance(outcome, Taken)
    assert "is it a collector?" in outcome.message


@pytest.mark.parametrize(
    "code", ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"]
)
async def test_worth_another_try(server, target, code):
    server.abort = (grpc.StatusCode[code], "busy")
    outcome = await send("spans", target(server.url, protocol="grpc"))
    assert isinstance(outcome, Failed)
    assert outcome.message.endswith(f"answered {code}: busy")


@pytest.mark.parametrize(
    "code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"]
)
async def test_never_taken(server, target, code):
    server.abort = (grpc.StatusCode[code], "no")
    outcome = await send("spans", target(server.url, protocol="grpc"))
    assert isinstance(outcome, Refused)
    assert outcome.reason == f"grpc_{code.lower()}"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
async def test_retry_info(server, target, code):
    details = (("grpc-status-details-bin", retry_info(2, 500_000_000)),)
    server.abort = (grpc.StatusCode[code], "busy", details)
    outcome = await send("spans", target(server.url, protocol="grpc"))
    assert isinstance(outcome, Failed)
    assert outcome.after_s == 2.5


async def test_a_collector_that_is_absent(target, unused_tcp_port):
    outcome = await send("spans", target(f"http://127.0.0.1:{unused_tcp_port}", protocol="grpc"))
    assert isinstance(outcome, Failed)
    assert "UNAVAILABLE" in outcome.message


@pytest.mark.parametrize("details", [None, b"", b"\xff", b"rubbish", b"\x1a\x02\x0a\x00", b"\x1a\x7f"])
def test_no_retry_info(details):
    assert retry_delay(details) is None


def test_a_long_retry_delay_is_bounded():
    assert retry_delay(retry_info(10**6)) == 3600


def test_without_grpcio(monkeypatch, target):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(UnusableTransportError) as raised:
        GrpcTransport("spans", target("http://127.0.0.1:4317", protocol="grpc"), 1)
    assert (
        str(raised.value) == "Could not use OTEL_EXPORTER_OTLP_PROTOCOL=grpc: pip install whisperwatch[otlp]"
    )
