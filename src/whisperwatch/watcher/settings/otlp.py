"""The settings of the export by OTLP: OpenTelemetry's own variables, for all signals and for one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

from . import values
from .reading import Group, setting

CONSOLE = (
    "is refused, for the watcher has no terminal: take none, and read spans with `whisperwatch demo` or add the "
    "SDK's ConsoleSpanExporter to the provider in the bot"
)
_MILLISECONDS = "a duration such as 30s, or a number of milliseconds"
_DISTROS = " (if you didn't set it, the OpenTelemetry distro did: it takes grpc where nothing is set)"
_FILE = "the path of a PEM file"


def _protocol(given: Any) -> str:
    known = values.one_of(
        "http/protobuf", "grpc", refused={"http/json": "is refused, for no SDK for Python speaks it"}
    )(given)
    if known == "grpc" and find_spec("grpc") is None:
        whose = _DISTROS if find_spec("opentelemetry.distro") is not None else ""
        raise ValueError(f"needs grpcio, which isn't installed: pip install 'whisperwatch[otlp]'{whose}")
    return known


@dataclass(frozen=True, kw_only=True)
class Exporters(Group):
    """Which way each signal goes."""

    title: ClassVar[str] = "Export: which signals"
    disabled: bool = setting(
        "OTEL_SDK_DISABLED",
        default=False,
        parse=values.switch,
        help="`true`: nothing is recorded or exported.",
        right="true or false",
        bot=True,
    )
    traces: frozenset[str] | None = setting(
        "OTEL_TRACES_EXPORTER",
        default=None,
        parse=values.words("otlp", "none", refused={"console": CONSOLE, "logging": CONSOLE}),
        help="`otlp` or `none`.",
        right="otlp or none",
        unset="otlp where an endpoint is set, else none",
    )
    metrics: frozenset[str] | None = setting(
        "OTEL_METRICS_EXPORTER",
        default=None,
        parse=values.words("otlp", "prometheus", "none", refused={"console": CONSOLE, "logging": CONSOLE}),
        help="`otlp`, `prometheus` (only our `/metrics`, which is there anyway), both with a comma, or `none`.",
        right="otlp, prometheus or none",
        unset="otlp where an endpoint is set, else prometheus",
    )


@dataclass(frozen=True, kw_only=True)
class Line(Group):
    """How one signal travels; a variable of the signal wins over the one for all signals."""

    title: ClassVar[str] = "Export: OTLP"
    signal_endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_ENDPOINT",
        default=None,
        parse=values.endpoint,
        help="Where this signal goes: the full URL, used as it is.",
        right="an http or https URL",
        unset="made from `OTEL_EXPORTER_OTLP_ENDPOINT`",
    )
    endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        default=None,
        parse=values.endpoint,
        help="Where all signals go; `/v1/traces`, `/v1/metrics` and `/v1/logs` are added for `http/protobuf`.",
        right="an http or https URL",
        unset="none; `http://localhost:4318` (`:4317` for gRPC) where an exporter is `otlp`",
    )
    protocol: Literal["http/protobuf", "grpc"] = setting(
        "OTEL_EXPORTER_OTLP_{signal}_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        default="http/protobuf",
        parse=_protocol,
        help="`http/protobuf`, or `grpc` with the extra `whisperwatch[otlp]`.",
        right="http/protobuf or grpc",
    )
    headers: tuple[tuple[str, str], ...] = setting(
        "OTEL_EXPORTER_OTLP_{signal}_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        default=(),
        parse=values.headers,
        help="Headers of every request, such as `authorization=Bearer%20token`.",
        right="name=value pairs with commas between, percent-encoded",
        secret=True,
        unset="none",
    )
    timeout_s: float = setting(
        "OTEL_EXPORTER_OTLP_{signal}_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        default=10.0,
        parse=values.timeout,
        help="How long one request may take. Plain numbers are milliseconds, as the specification has it; those "
        "below 100 are seconds, as Python's SDK has it.",
        right=_MILLISECONDS,
    )
    compression: Literal["gzip", "none"] = setting(
        "OTEL_EXPORTER_OTLP_{signal}_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        default="none",
        parse=values.one_of("gzip", "none"),
        help="`gzip` or `none`.",
        right="gzip or none",
    )
    certificate: str | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        default=None,
        parse=values.readable_file,
        help="The certificates that the collector's is checked against.",
        right=_FILE,
        unset="those of the system",
    )
    client_key: str | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CLIENT_KEY",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        default=None,
        parse=values.readable_file,
        help="Our private key, for mutual TLS.",
        right=_FILE,
        unset="none",
    )
    client_certificate: str | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        default=None,
        parse=values.readable_file,
        help="Our certificate, for mutual TLS.",
        right=_FILE,
        unset="none",
    )
    insecure: bool = setting(
        "OTEL_EXPORTER_OTLP_{signal}_INSECURE",
        "OTEL_EXPORTER_OTLP_INSECURE",
        default=False,
        parse=values.switch,
        help="gRPC without TLS, for an endpoint without a scheme; `http://` is always without.",
        right="true or false",
    )


@dataclass(frozen=True, kw_only=True)
class Batching(Group):
    """When and how much is sent at once."""

    title: ClassVar[str] = "Export: batches"
    metric_interval_s: float | None = setting(
        "OTEL_METRIC_EXPORT_INTERVAL",
        default=None,
        parse=values.milliseconds,
        help="How often metrics are exported. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
        unset="`monitoring.metrics.collection_interval`",
        live=True,
    )
    metric_timeout_s: float = setting(
        "OTEL_METRIC_EXPORT_TIMEOUT",
        default=30.0,
        parse=values.milliseconds,
        help="How long one export of metrics may take. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
    )
    span_delay_s: float = setting(
        "OTEL_BSP_SCHEDULE_DELAY",
        default=5.0,
        parse=values.milliseconds,
        help="How long a span may wait for a batch to fill. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
        live=True,
    )
    span_timeout_s: float = setting(
        "OTEL_BSP_EXPORT_TIMEOUT",
        default=30.0,
        parse=values.milliseconds,
        help="How long one export of spans may take. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
    )
    span_queue: int | None = setting(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        default=None,
        parse=values.whole(1),
        help="How many spans may wait in memory; the oldest are dropped and counted.",
        right="a number from 1 on",
        unset="bounded by `WHISPERWATCH_BUFFER_BYTES` alone",
    )
    span_batch: int = setting(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default=2048,
        parse=values.whole(1),
        help="How many spans one request carries at most.",
        right="a number from 1 on",
    )
    temporality: Literal["cumulative", "delta", "lowmemory"] = setting(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        default="cumulative",
        parse=values.one_of("cumulative", "delta", "lowmemory"),
        help="`cumulative`, `delta` or `lowmemory`, as the specification has them. `/metrics` is always cumulative.",
        right="cumulative, delta or lowmemory",
    )
    aggregation: Literal["explicit_bucket_histogram"] = setting(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        default="explicit_bucket_histogram",
        parse=values.one_of(
            "explicit_bucket_histogram",
            refused={
                "base2_exponential_bucket_histogram": "is refused, for Whisperwatch's cells have explicit buckets; "
                "install the SDK's MeterProvider before watch(), and Whisperwatch uses that"
            },
        ),
        help="`explicit_bucket_histogram`; exponential histograms need the SDK's own MeterProvider.",
        right="explicit_bucket_histogram",
    )


@dataclass(frozen=True, kw_only=True)
class Outages(Group):
    """What becomes of telemetry that can't be delivered."""

    title: ClassVar[str] = "Export: while the collector is away"
    spool: bool = setting(
        "WHISPERWATCH_SPOOL",
        default=True,
        parse=values.switch,
        help="Whether what can't be delivered waits on the disk, in `spool` of the state directory.",
        right="true or false",
        off="it waits in memory, and is lost when the watcher ends.",
    )
    spool_bytes: int = setting(
        "WHISPERWATCH_SPOOL_SIZE",
        default=64 * 2**20,
        parse=values.size,
        help="How much may wait on the disk, compressed; then the oldest is dropped and counted.",
        right="a size such as 64MB or 1GB, 64 KiB at least",
    )
    buffer_bytes: int = setting(
        "WHISPERWATCH_BUFFER_BYTES",
        default=32 * 2**20,
        parse=values.size,
        help="How much may wait in memory where the disk can't be written, or isn't to be; the oldest is dropped and "
        "counted. Otherwise there are at most some 3 MB in memory.",
        right="a size such as 32MB, 64 KiB at least",
    )
