"""What real servers say, and what is advised."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.pipeline.remedies import with_remedy


@pytest.mark.parametrize(
    ("said", "advised"),
    [
        ("http://c/v1/logs answered 401 Unauthorized: no org id", "X-Scope-OrgID"),
        ("http://c/v1/logs answered 401 Unauthorized", "authorization="),
        ("http://c answered UNAUTHENTICATED: no", "authorization="),
        ("http://c/v1/logs answered 403 Forbidden", "authorization="),
        ("http://c/v2 answered 404 Not Found: 404 page not found", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("http://c answered 200 OK with text/html, which is no answer of OTLP: is it a collector?", "ENDPOINT"),
        ("http://c answered 400 Bad Request: Client sent an HTTP request to an HTTPS server.", "https://"),
        ("c: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "http://"),
        ("certificate verify failed: self-signed certificate (_ssl.c:1006)", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("certificate verify failed: certificate has expired (_ssl.c:1006)", "renewed"),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'c'", "the name in it"),
        ("http://c answered 429 Too Many Requests: tenant x: ingestion rate limit exceeded", "limit of the store"),
        ("http://c answered 413 Request Entity Too Large", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        ("http://p answered 400 Bad Request: out of order sample", "out_of_order_time_window"),
        ("12 logs were rejected: entry too far behind, entry timestamp is: 2026", "reject_old_samples_max_age"),
        ("http://c can't be reached: Connect call failed ('127.0.0.1', 1)", "Is the collector running"),
        ("http://c can't be reached: Name or service not known", "Is the name"),
        ("http://c speaks no HTTP that can be read: Bad status line", "4317"),
        ("http://c/: Server disconnected", "TLS"),
    ],
)  # fmt: skip
def test_each_symptom_has_its_remedy(said: str, advised: str) -> None:
    told = with_remedy(said)
    assert told.startswith(said.rstrip("."))
    assert advised in told.removeprefix(said)
    assert told.endswith((".", "?"))


@pytest.mark.parametrize("said", ["", "http://c answered 503 Service Unavailable"])
def test_where_nothing_is_known_nothing_is_added(said: str) -> None:
    assert with_remedy(said) == said
