"""Where and how one signal is exported, put together from what was set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from .otlp import Line
from .reading import Problem, Reading, masked

Signal = Literal["traces", "metrics", "logs"]
_PATH: Final[dict[Signal, str]] = {"traces": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how one signal is exported, ready to use. `url` is full for HTTP; of gRPC it is scheme, host, port."""

    url: str
    protocol: Literal["http/protobuf", "grpc"]
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


def target(reading: Reading, signal: Signal, exporters: frozenset[str] | None) -> Target | None:
    """Where `signal` goes; None where it isn't exported."""
    line = reading.group(Line, signal.upper())
    if bool(line.client_key) != bool(line.client_certificate):
        have, lack = ("KEY", "CERTIFICATE") if line.client_key else ("CERTIFICATE", "KEY")
        name = f"OTEL_EXPORTER_OTLP_CLIENT_{lack}"
        reading.add(
            Problem(name, "", f"is missing, but …_CLIENT_{have} is set", "the other half of the pair")
        )
        line = replace(line, client_key=None, client_certificate=None)
    wanted = "otlp" in exporters if exporters is not None else bool(line.signal_endpoint or line.endpoint)
    if not wanted:
        return None
    return Target(
        url=_grpc_url(line) if line.protocol == "grpc" else _http_url(line, signal),
        protocol=line.protocol,
        headers=line.headers,
        timeout_s=line.timeout_s,
        compression=line.compression,
        certificate=line.certificate,
        client_key=line.client_key,
        client_certificate=line.client_certificate,
    )


def _grpc_url(line: Line) -> str:
    url = line.signal_endpoint or line.endpoint or "http://localhost:4317"
    return url if "://" in url else f"{'http' if line.insecure else 'https'}://{url}"


def _http_url(line: Line, signal: Signal) -> str:
    url = line.signal_endpoint or line.endpoint or "http://localhost:4318"
    parts = urlsplit(url if "://" in url else f"http://{url}")
    path = (parts.path or "/") if line.signal_endpoint else parts.path.rstrip("/") + _PATH[signal]
    return urlunsplit(parts._replace(path=path))
