"""OTLP over gRPC against a real server: what comes of each status, and what is said without grpcio."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from whisperwatch import semconv
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.pipeline.otlp_grpc import GrpcTransport, retry_delay
from whisperwatch.watcher.pipeline.transport import Failed, Refused, Taken, UnusableTransportError
from whisperwatch.watcher.records import LocalStream

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
        return await transport.send(body)
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


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"])
async def test_where_the_way_is_wrong_it_waits(server, target, code):
    server.abort = (grpc.StatusCode[code], "no")
    assert isinstance(await send("spans", target(server.url, protocol="grpc")), Failed)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"])
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


async def test_tls_with_a_client_certificate(target, tmp_path):
    authority = trustme.CA()
    of_server, of_client = authority.issue_cert("localhost"), authority.issue_cert("client@example.org")
    files = {name: tmp_path / name for name in ("certificate", "client_key", "client_certificate")}
    authority.cert_pem.write_to_path(files["certificate"])
    of_client.private_key_pem.write_to_path(files["client_key"])
    of_client.cert_chain_pems[0].write_to_path(files["client_certificate"])
    credentials = grpc.ssl_server_credentials(
        [(of_server.private_key_pem.bytes(), of_server.cert_chain_pems[0].bytes())],
        authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    running = grpc.aio.server()
    port = running.add_secure_port("localhost:0", credentials)
    await running.start()
    there = {name: str(path) for name, path in files.items()}
    outcome = await send("spans", target(f"https://localhost:{port}", protocol="grpc", **there))
    assert "answered UNIMPLEMENTED" in outcome.message, (
        "the handshake is done; this server just has no method"
    )
    without = await send("spans", target(f"https://localhost:{port}", protocol="grpc"))
    assert isinstance(without, Failed)
    await running.stop(None)


async def test_the_pipeline_exports_by_grpc(server, target, export):
    own = LocalStream({})
    there = target(server.url, protocol="grpc")
    pipeline = Pipeline(export(there, there), bytes(32), lambda: [own], own)
    await pipeline.start()
    own.add(semconv.SELF_RECEIVED, 1, {"signal": "spans"})
    assert await pipeline.flush(5)
    await pipeline.stop()
    (method, body, _), *_ = server.calls
    assert method == METRICS
    assert b"whisperwatch.received" in body


async def test_logs_go_by_grpc_too(server, target, export):
    own = LocalStream({})
    pipeline = Pipeline(export(logs=target(server.url, protocol="grpc")), bytes(32), lambda: [own], own)
    await pipeline.start()
    pipeline.add_logs(own, [(1, 9, "INFO", "bot", "hello", None, 0, 0, 0, None, None, None)], 10**18)
    assert await pipeline.flush(5)
    await pipeline.stop()
    ((method, body, _),) = server.calls
    assert method == "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    (record,) = ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
    assert record.body.string_value == "hello"


async def test_the_pipeline_says_that_grpcio_is_missing(monkeypatch, target, export, caplog):
    monkeypatch.setitem(sys.modules, "grpc", None)
    own = LocalStream({})
    pipeline = Pipeline(
        export(target("http://127.0.0.1:4317", protocol="grpc")), bytes(32), lambda: [own], own
    )
    await pipeline.start()
    assert "spans are not exported: Could not use OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in caplog.text
    await pipeline.stop()


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
