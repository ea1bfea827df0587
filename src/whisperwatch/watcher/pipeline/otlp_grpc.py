"""OTLP over gRPC: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc. Needs the extra `whisperwatch[otlp]`."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from whisperwatch.version import __version__
from whisperwatch.watcher.pipeline.protobuf import WireError, fields
from whisperwatch.watcher.pipeline.transport import (
    Failed,
    Outcome,
    Refused,
    Signal,
    Taken,
    UnusableTransportError,
    answer,
    printable,
)
from whisperwatch.watcher.settings import Target

_METHODS: Final[dict[Signal, str]] = {
    "spans": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RETRYABLE: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)
_WRONG_WAY: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"})
"""As over HTTP: the request is right as soon as the way is."""
_DETAILS: Final = "grpc-status-details-bin"
_RETRY_INFO: Final = b"google.rpc.RetryInfo"
_LONGEST_PAUSE_S: Final = 3600.0


class GrpcTransport:
    """Calls one method of one collector; requests and answers stay bytes.

    Raises:
        UnusableTransportError: grpcio isn't installed.
        OSError: a certificate or a key of the target can't be read.
    """

    def __init__(self, signal: Signal, target: Target, timeout_s: float) -> None:
        try:
            import grpc  # type: ignore[import-untyped]
        except ImportError:
            raise UnusableTransportError(
                "Could not use OTEL_EXPORTER_OTLP_PROTOCOL=grpc: pip install whisperwatch[otlp]"
            ) from None
        self._grpc = grpc
        self._method = _METHODS[signal]
        self._target = target
        self._timeout = timeout_s
        self._credentials = _credentials(grpc, target) if target.url.startswith("https:") else None
        self._metadata = [(name.lower(), value) for name, value in target.headers]
        self._channel: Any = None
        self._call: Any = None

    async def send(self, body: bytes) -> Outcome:
        """Call it."""
        try:
            return self._taken(await self._callable()(body, timeout=self._timeout, metadata=self._metadata))
        except self._grpc.aio.AioRpcError as error:
            return self._outcome(error)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    def _callable(self) -> Any:
        if self._call is None:
            grpc = self._grpc
            gzip = self._target.compression == "gzip"
            options: dict[str, Any] = {
                "compression": grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression,
                "options": [("grpc.primary_user_agent", f"whisperwatch/{__version__}")],
            }
            where = urlsplit(self._target.url).netloc.rpartition("@")[2]
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(where, **options)
            else:
                self._channel = grpc.aio.secure_channel(where, self._credentials, **options)
            self._call = self._channel.unary_unary(self._method)
        return self._call

    def _taken(self, body: bytes) -> Taken:
        try:
            return answer(body)
        except WireError as error:
            return Taken(
                0, f"{self._target.shown} answered what can't be decoded ({error}): is it a collector?"
            )

    def _outcome(self, error: Any) -> Outcome:
        code = error.code().name
        message = f"{self._target.shown} answered {code}: {printable(error.details() or '')}".rstrip(": ")
        after = retry_delay(dict(error.trailing_metadata() or ()).get(_DETAILS))
        if code in _RETRYABLE or code in _WRONG_WAY or (code == "RESOURCE_EXHAUSTED" and after is not None):
            return Failed(message, after)
        return Refused(f"grpc_{code.lower()}", message)


def _credentials(grpc: Any, target: Target) -> Any:
    def content(path: str | None) -> bytes | None:
        return Path(path).read_bytes() if path else None

    return grpc.ssl_channel_credentials(
        root_certificates=content(target.certificate),
        private_key=content(target.client_key),
        certificate_chain=content(target.client_certificate),
    )


def retry_delay(details: bytes | str | None) -> float | None:
    """Seconds of the RetryInfo among a google.rpc.Status' details, at most an hour; None where there is none."""
    if not details:
        return None
    try:
        status = base64.b64decode(details) if isinstance(details, str) else details
        for number, detail in fields(status):
            if number != 3 or not isinstance(detail, bytes):
                continue
            packed = dict(fields(detail))
            kind, value = packed.get(1), packed.get(2, b"")
            if isinstance(kind, bytes) and kind.endswith(_RETRY_INFO) and isinstance(value, bytes):
                return _seconds(dict(fields(value)).get(1, b""))
    except ValueError:
        return None
    return None


def _seconds(duration: int | bytes) -> float:
    parts = dict(fields(duration)) if isinstance(duration, bytes) else {}
    seconds, nanos = parts.get(1, 0), parts.get(2, 0)
    if not isinstance(seconds, int) or not isinstance(nanos, int) or seconds >= 1 << 63:
        return 0.0
    return min(seconds + nanos / 1e9, _LONGEST_PAUSE_S)
