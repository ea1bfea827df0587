"""An HTTP request that is under way, whichever library sends it, and the servers that are asked."""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.trace import StatusCode

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import Call, Durations
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.requests import current_request
from whisperwatch.bot.recording.current import SPAN_KEY, read
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import OURS

_METHODS = frozenset(
    {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY"}
)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_MOST_TARGETS = 500
"""Methods and servers; a bot that is told by its users what to fetch meets more."""
_COVERING = ("gen_ai.operation.name", semconv.DB_SYSTEM)
"""Attributes of spans that say all about the request they make: it needs no span of its own."""
_PRIVATE = re.compile(r"[^/]{20,}|(?<=/)\d{15,}(?=/|$)")
"""Parts of a path that may be keys or ids."""


class Target:
    """One method at one server."""

    __slots__ = ("_about", "_durations", "static", "title")

    def __init__(self, method: str, host: str, port: int | None) -> None:
        self.title = "HTTP" if method == "_OTHER" else method
        self._about: dict[str, Any] = {semconv.METHOD: method, semconv.SERVER_ADDRESS: host}
        if port is not None:
            self._about[semconv.SERVER_PORT] = port
        self.static = recorder.attribute_set(self._about)
        self._durations: dict[int, Durations] = {}

    def durations(self, status: int) -> Durations:
        """Of the requests that were answered so; 0 is not at all."""
        found = self._durations.get(status)
        if found is None:
            about = {**self._about, semconv.STATUS_CODE: status} if status else self._about
            found = self._durations[status] = Durations(semconv.HTTP_CLIENT_DURATION, about)
        return found


class HTTPCall(Call):
    """One request that is under way."""

    answer = 0
    """Its status, once it is there."""

    def __init__(self, target: Target, url: str) -> None:
        self.target = target
        self.url = url
        self.title = target.title
        self.static = target.static
        self.begin()

    def answered(self, status: int) -> None:
        """The headers of the answer are there."""
        self.answer = status
        if status >= 400:
            self.error = str(status)
            if self.recorded:
                self.ornate = True
                self.status_code = StatusCode.ERROR.value
        self.over()

    def settle(self) -> None:
        self.durations = self.target.durations(self.answer)
        super().settle()

    def describe(self) -> None:
        about: dict[str, Any] = {semconv.URL: self.url}
        if self.answer:
            about[semconv.STATUS_CODE] = self.answer
        if self.error is not None:
            about[semconv.ERROR_TYPE] = self.error
        self.own = {**about, **(self.own or {})}


def begun(method: Any, scheme: str, host: str | None, port: int | None, path: str) -> HTTPCall | None:
    """A request that is sent now; None where it is not recorded."""
    if not host or _is_covered():
        return None
    target = _target(str(method).upper(), scheme, host, port or _PORTS.get(scheme))
    where = host if port is None or port == _PORTS.get(scheme) else f"{host}:{port}"
    return HTTPCall(target, f"{scheme}://{where}{recorder.mask(_PRIVATE.sub('?', path))}")


def answered(call: HTTPCall, status: int) -> None:
    """The answer's headers are there; never raises."""
    try:
        call.answered(status)
    except Exception:
        guard.failed("http answer")


def _is_covered() -> bool:
    """Whether a span speaks of this request already, or nobody may hear of it."""
    context = read()
    if context.get(_SUPPRESS_INSTRUMENTATION_KEY) or context.get(_SUPPRESS_HTTP_INSTRUMENTATION_KEY):
        return True
    if current_request() is not None:  # to Discord
        return True
    span: Any = context.get(SPAN_KEY)
    if span is None or getattr(span, "end_ns", False):
        return False
    if type(span) in OURS:
        own, static = span.own or {}, span.static[1]
        return any(key in own or key in static for key in _COVERING)
    attributes = getattr(span, "attributes", None) or {}
    return any(key in attributes for key in _COVERING)


def _target(method: str, scheme: str, host: str, port: int | None) -> Target:
    method = method if method in _METHODS else "_OTHER"
    key = (method, host, port)
    found = _targets.get(key)
    if found is None:
        if len(_targets) >= _MOST_TARGETS:
            key = (method, "other", None)
            found = _targets.get(key)
        else:
            remember("http", {"scheme": scheme, "host": host, "port": port})
        if found is None:
            found = _targets[key] = Target(*key)
    return found


_targets: dict[tuple[str, str, int | None], Target] = {}
