"""The settings of the export by OTLP: OpenTelemetry's own variables, for all signals and for one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BeforeValidator

from .reading import Group, Problem, Reading, masked, setting
from .values import Bytes, Count, Endpoint, File, Headers, Milliseconds, Switch, Timeout, one_of, words

Signal = Literal["traces", "metrics"]
Protocol = Literal["http/protobuf", "grpc"]
_CONSOLE = (
    "is refused, for the watcher has no terminal: take none, and read spans with `whisperwatch demo` or add the "
    "SDK's ConsoleSpanExporter to the provider in the bot"
)
_MILLISECONDS = "a duration such as 30s, or a number of milliseconds"
_FILE = "the path of a PEM file"


def _protocol(given: Any) -> str:
    known = one_of(
        "http/protobuf", "grpc", refused={"http/json": "is refused, for no SDK for Python speaks it"}
    )(given)
    if known == "grpc" and find_spec("grpc") is None:
        raise ValueError("needs grpcio, which isn't installed: pip install 'whisperwatch[otlp]'")
    return known


class Exporters(Group):
    """Which way each signal goes."""

    title: ClassVar[str] = "Export: which signals"
    disabled: Switch = setting(
        "OTEL_SDK_DISABLED",
        default=False,
        help="`true`: nothing is recorded or exported.",
        right="true or false",
    )
    traces: Annotated[
        frozenset[str] | None,
        BeforeValidator(words("otlp", "none", refused={"console": _CONSOLE, "logging": _CONSOLE})),
    ] = setting(
        "OTEL_TRACES_EXPORTER",
        default=None,
        help="`otlp` or `none`.",
        right="otlp or none",
        unset="otlp where an endpoint is set, else none",
    )
    metrics: Annotated[
        frozenset[str] | None,
        BeforeValidator(
            words("otlp", "prometheus", "none", refused={"console": _CONSOLE, "logging": _CONSOLE})
        ),
    ] = setting(
        "OTEL_METRICS_EXPORTER",
        default=None,
        help="`otlp`, `prometheus` (only our `/metrics`, which is there anyway), both with a comma, or `none`.",
        right="otlp, prometheus or none",
        unset="otlp where an endpoint is set, else prometheus",
    )


class Line(Group):
    """How one signal travels; a variable of the signal wins over the one for all signals."""

    title: ClassVar[str] = "Export: OTLP"
    signal_endpoint: Endpoint | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_ENDPOINT",
        default=None,
        help="Where this signal goes: the full URL, used as it is.",
        right="an http or https URL",
        unset="made from `OTEL_EXPORTER_OTLP_ENDPOINT`",
    )
    endpoint: Endpoint | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        default=None,
        help="Where all signals go; `/v1/traces` and `/v1/metrics` are added for `http/protobuf`.",
        right="an http or https URL",
        unset="none; `http://localhost:4318` (`:4317` for gRPC) where an exporter is `otlp`",
    )
    protocol: Annotated[Protocol, BeforeValidator(_protocol)] = setting(
        "OTEL_EXPORTER_OTLP_{signal}_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        default="http/protobuf",
        help="`http/protobuf`, or `grpc` with the extra `whisperwatch[otlp]`.",
        right="http/protobuf or grpc",
    )
    headers: Headers = setting(
        "OTEL_EXPORTER_OTLP_{signal}_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        default=(),
        help="Headers of every request, such as `authorization=Bearer%20token`.",
        right="name=value pairs with commas between, percent-encoded",
        secret=True,
        unset="none",
    )
    timeout_s: Timeout = setting(
        "OTEL_EXPORTER_OTLP_{signal}_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        default=10.0,
        help="How long one request may take. Plain numbers are milliseconds, as the specification has it; those "
        "below 100 are seconds, as Python's SDK has it.",
        right=_MILLISECONDS,
    )
    compression: Annotated[Literal["gzip", "none"], BeforeValidator(one_of("gzip", "none"))] = setting(
        "OTEL_EXPORTER_OTLP_{signal}_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        default="none",
        help="`gzip` or `none`.",
        right="gzip or none",
    )
    certificate: File | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        default=None,
        help="The certificates that the collector's is checked against.",
        right=_FILE,
        unset="those of the system",
    )
    client_key: File | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CLIENT_KEY",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        default=None,
        help="Our private key, for mutual TLS.",
        right=_FILE,
        unset="none",
    )
    client_certificate: File | None = setting(
        "OTEL_EXPORTER_OTLP_{signal}_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        default=None,
        help="Our certificate, for mutual TLS.",
        right=_FILE,
        unset="none",
    )
    insecure: Switch = setting(
        "OTEL_EXPORTER_OTLP_{signal}_INSECURE",
        "OTEL_EXPORTER_OTLP_INSECURE",
        default=False,
        help="gRPC without TLS, for an endpoint without a scheme; `http://` is always without.",
        right="true or false",
    )


class Batching(Group):
    """When and how much is sent at once."""

    title: ClassVar[str] = "Export: batches"
    metric_interval_s: Milliseconds | None = setting(
        "OTEL_METRIC_EXPORT_INTERVAL",
        default=None,
        help="How often metrics are exported. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
        unset="`monitoring.metrics.collection_interval`",
    )
    metric_timeout_s: Milliseconds = setting(
        "OTEL_METRIC_EXPORT_TIMEOUT",
        default=30.0,
        help="How long one export of metrics may take. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
    )
    span_delay_s: Milliseconds = setting(
        "OTEL_BSP_SCHEDULE_DELAY",
        default=5.0,
        help="How long a span may wait for a batch to fill. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
    )
    span_timeout_s: Milliseconds = setting(
        "OTEL_BSP_EXPORT_TIMEOUT",
        default=30.0,
        help="How long one export of spans may take. Plain numbers are milliseconds.",
        right=_MILLISECONDS,
    )
    span_queue: Count | None = setting(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        default=None,
        help="How many spans may wait to be encoded; the oldest are dropped and counted.",
        right="a number from 1 on",
        unset="bounded by `WHISPERWATCH_BUFFER_BYTES` alone",
    )
    span_batch: Count = setting(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default=512,
        help="How many spans one request carries at most.",
        right="a number from 1 on",
    )
    buffer_bytes: Bytes = setting(
        "WHISPERWATCH_BUFFER_BYTES",
        default=32 * 2**20,
        help="How much of what couldn't be sent is kept for later; the oldest is dropped and counted.",
        right="a size such as 32MB, 64 KiB at least",
    )
    temporality: Annotated[
        Literal["cumulative", "delta", "lowmemory"],
        BeforeValidator(one_of("cumulative", "delta", "lowmemory")),
    ] = setting(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        default="cumulative",
        help="`cumulative`, `delta` or `lowmemory`, as the specification has them. `/metrics` is always cumulative.",
        right="cumulative, delta or lowmemory",
    )
    aggregation: Annotated[
        Literal["explicit_bucket_histogram"],
        BeforeValidator(
            one_of(
                "explicit_bucket_histogram",
                refused={
                    "base2_exponential_bucket_histogram": "is refused, for Whisperwatch's cells have explicit buckets; "
                    "install the SDK's MeterProvider before watch(), and Whisperwatch uses that"
                },
            )
        ),
    ] = setting(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        default="explicit_bucket_histogram",
        help="`explicit_bucket_histogram`; exponential histograms need the SDK's own MeterProvider.",
        right="explicit_bucket_histogram",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how one signal is exported, ready to use. `url` is full for HTTP; of gRPC it is scheme, host, port."""

    url: str
    protocol: Protocol
    headers: tuple[tuple[str, str], ...]
    timeout_s: float
    compression: Literal["gzip", "none"]
    certificate: str | None
    client_key: str | None
    client_certificate: str | None

    @property
    def shown(self) -> str:
        """The URL without credentials and query."""
        return masked(self.url.partition("?")[0])


_PATH: Final[dict[Signal, str]] = {"traces": "/v1/traces", "metrics": "/v1/metrics"}


def target(reading: Reading, signal: Signal, exporters: frozenset[str] | None) -> Target | None:
    """Where `signal` goes; None where it isn't exported."""
    line = reading.group(Line, signal.upper())
    if bool(line.client_key) != bool(line.client_certificate):
        have, lack = ("KEY", "CERTIFICATE") if line.client_key else ("CERTIFICATE", "KEY")
        name = f"OTEL_EXPORTER_OTLP_CLIENT_{lack}"
        reading.add(
            Problem(name, "", f"is missing, but …_CLIENT_{have} is set", "the other half of the pair")
        )
        line = line.model_copy(update={"client_key": None, "client_certificate": None})
    wanted = "otlp" in exporters if exporters is not None else bool(line.signal_endpoint or line.endpoint)
    if not wanted:
        return None
    return Target(
        url=_url(line, signal, reading),
        protocol=line.protocol,
        headers=line.headers,
        timeout_s=line.timeout_s,
        compression=line.compression,
        certificate=line.certificate,
        client_key=line.client_key,
        client_certificate=line.client_certificate,
    )


def _url(line: Line, signal: Signal, reading: Reading) -> str:
    if line.protocol == "grpc":
        url = line.signal_endpoint or line.endpoint or "http://localhost:4317"
        raw = reading.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
        raw = raw or reading.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
        if raw and "://" not in raw and not line.insecure:
            url = url.replace("http://", "https://", 1)
        return url
    if line.signal_endpoint:
        parts = urlsplit(line.signal_endpoint)
        return urlunsplit(parts._replace(path=parts.path or "/"))
    parts = urlsplit(line.endpoint or "http://localhost:4318")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + _PATH[signal]))
