"""What is recorded of HTTP requests to others than Discord, as OpenTelemetry's semantic conventions name it."""

from __future__ import annotations

from whisperwatch.semconv.attributes import ERROR_TYPE, METHOD, SERVER_ADDRESS, STATUS_CODE
from whisperwatch.semconv.database import SERVER_PORT
from whisperwatch.semconv.model import SECONDS, Attribute, Metric, SpanName

URL = "url.full"

HTTP_ATTRIBUTES = (
    Attribute(URL, "The URL without user, query and fragment; `?` is what in its path may be an id or a key."),
)  # fmt: skip

HTTP_CLIENT_DURATION = Metric(
    "http.client.request.duration", "histogram", "s",
    "Time until a server other than Discord's answered a request with its headers.",
    (METHOD, SERVER_ADDRESS, SERVER_PORT, STATUS_CODE, ERROR_TYPE), SECONDS,
)  # fmt: skip

SPAN_HTTP_CLIENT = SpanName(
    "{method}", "client", "One HTTP request to a server other than Discord's, until its headers are there.",
    (METHOD, SERVER_ADDRESS, SERVER_PORT, URL, STATUS_CODE, ERROR_TYPE),
)  # fmt: skip
