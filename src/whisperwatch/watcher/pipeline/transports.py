"""Which transport a target wants."""

from __future__ import annotations

from whisperwatch.watcher.pipeline.transport import Signal, Transport
from whisperwatch.watcher.settings import Export, Target


def transport_of(export: Export, signal: Signal, target: Target) -> Transport:
    """The way to a target.

    Raises:
        OSError, ssl.SSLError, UnusableTransportError: it can't be used: no grpcio, an unreadable certificate.
    """
    whole = {
        "spans": export.span_timeout_s,
        "metrics": export.metric_timeout_s,
        "logs": export.log_timeout_s,
    }
    timeout = min(target.timeout_s, whole[signal])
    # httpcore2 and grpcio take megabytes, and without a collector are not needed
    if target.protocol == "grpc":
        from whisperwatch.watcher.pipeline.otlp_grpc import GrpcTransport

        return GrpcTransport(signal, target, timeout)
    from whisperwatch.watcher.pipeline.otlp_http import HttpTransport

    return HttpTransport(target, timeout)
