"""What to do about what a collector answered, or the way to it: a sentence for each symptom that has one."""

from __future__ import annotations

import re
from typing import Final

_TENANT: Final = "Name the tenant: OTEL_EXPORTER_OTLP_HEADERS=X-Scope-OrgID=…"
_WHO: Final = "Set OTEL_EXPORTER_OTLP_HEADERS=authorization=… to a token that may write"
_WHERE: Final = (
    "Is OTEL_EXPORTER_OTLP_ENDPOINT right (/v1/traces and so on are added to it), and does the collector take this "
    "signal?"
)
_THERE: Final = "Is the collector running, and OTEL_EXPORTER_OTLP_ENDPOINT right?"
_TLS: Final = "It speaks TLS: OTEL_EXPORTER_OTLP_ENDPOINT should begin with https://"
_NO_TLS: Final = "Does it speak TLS? Else OTEL_EXPORTER_OTLP_ENDPOINT should begin with http://"
_SIGNED: Final = "Set OTEL_EXPORTER_OTLP_CERTIFICATE to the file of the certificate that signed it"
_OLD: Final = (
    "The store takes nothing so late or out of order: raise out_of_order_time_window (Prometheus, Mimir) or "
    "reject_old_samples_max_age (Loki), and see that the clocks are right"
)
_LIMIT: Final = (
    "A limit of the store is reached: raise it there, or send less (PERFORMANCE_SAMPLING_RATE, "
    "WHISPERWATCH_LOG_LEVEL)"
)
_NAME: Final = "Is the name in OTEL_EXPORTER_OTLP_ENDPOINT right?"
_GRPC: Final = "Port 4317 is for OTEL_EXPORTER_OTLP_PROTOCOL=grpc, 4318 for http/protobuf: does it fit?"

_HUNG_UP: Final = (
    "If that goes on: does it speak TLS (https:// in OTEL_EXPORTER_OTLP_ENDPOINT), or want a certificate of ours "
    "(OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)?"
)
_LONG: Final = (
    "Lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE and OTEL_BLRP_MAX_EXPORT_BATCH_SIZE, or raise max_request_body_size "
    "there"
)

_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (r"answered 429|rate.?limit|quota", _LIMIT),
        (r"no.org.?id|x-scope-orgid|no such tenant|missing tenant", _TENANT),
        (r"HTTP request (was sent )?to (an )?HTTPS", _TLS),
        (r"wrong.version|record.layer|packet.length.too.long", _NO_TLS),
        (r"certificate has expired", "It has to be renewed there"),
        (r"hostname mismatch|not valid for|address mismatch", "OTEL_EXPORTER_OTLP_ENDPOINT should have the name in it"),
        (r"certificate.required|handshake.failure|bad.certificate", _HUNG_UP),
        (r"self.signed|unable to get (local )?issuer|certificate.veri", _SIGNED),
        (r"out.of.order|too.(far.behind|old)|out.of.bounds|older than", _OLD),
        (r"answered (401|403|UNAUTHENTICATED|PERMISSION_DENIED)", _WHO),
        (r"answered 407", "The proxy wants a name and a password: they belong into HTTPS_PROXY"),
        (r"answered (30.|404|405|410|UNIMPLEMENTED)|is it a collector", _WHERE),
        (r"answered 413|message larger than max", _LONG),
        (r"answered RESOURCE_EXHAUSTED|limit", _LIMIT),
        (r"speaks no HTTP|http1|http/2", _GRPC),
        (r"name or service|name resolution|nodename|errors resolving|domain name", _NAME),
        (r"disconnected|connection reset|socket closed|can not write request", _HUNG_UP),
        (r"can't be reached|didn't answer|failed to connect", _THERE),
    )
)  # fmt: skip
"""The first that fits is told."""


def with_remedy(message: str) -> str:
    """What was said, and what to do about it, where something is known to help."""
    remedy = next((remedy for pattern, remedy in _RULES if message and pattern.search(message)), None)
    if remedy is None:
        return message
    return f"{message.rstrip('.')}. {remedy}{'' if remedy.endswith('?') else '.'}"
