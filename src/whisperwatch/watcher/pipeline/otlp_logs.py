"""Logs of the tape as OTLP bytes (`ResourceLogs` of an ExportLogsServiceRequest).

Decoded, the bytes equal what the SDK's encoder gives for the same records. A record's scope is its logger, as with
OpenTelemetry's own handlers.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.attributes import KeyValues
from whisperwatch.watcher.pipeline.log_record import attributes_of, with_redaction
from whisperwatch.watcher.pipeline.otlp_spans import scope_fields
from whisperwatch.watcher.pipeline.protobuf import enclosed, message, number, text, utf8
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Log, Records, Scope

_TIME = struct.Struct("<BQ")
_FLAGS = struct.Struct("<BI")
_SCOPES_KEPT: Final = 4096


class LogEncoder:
    """Encodes the logs of one stream.

    `broken` counts records that could not be encoded (a time or an id out of range).

    Args:
        components: what `LOG_COMPONENTS` says.
        observed: the time now, in ns since 1970.
    """

    def __init__(
        self,
        stream: Records,
        redaction: Redaction,
        components: Mapping[str, str],
        observed: Callable[[], int] = time.time_ns,
    ) -> None:
        self.broken = 0
        self._redactor = redaction.redactor
        self._attributes = KeyValues(6, redaction)
        self._scope_attributes = KeyValues(3, redaction)
        self._components = components
        self._observed = observed
        self._scopes: dict[str, tuple[bytes, bytes]] = {}
        self._resource = message(1, KeyValues(1, redaction).encode(stream.resource))

    def encode(self, logs: Iterable[Log], offset: int) -> dict[str, bytes]:
        """Logs as `ScopeLogs.log_records` fields, by their logger; their time + `offset` is wall time."""
        by_scope: dict[str, list[bytes]] = {}
        observed = _TIME.pack(0x59, self._observed())
        for log, clean in with_redaction(self._redactor, logs):
            try:
                encoded = message(2, self._log(log, offset, observed, clean))
            except (OverflowError, TypeError, ValueError, AttributeError, struct.error):
                self.broken += 1
                continue
            by_scope.setdefault(log[3], []).append(encoded)
        return {scope: b"".join(parts) for scope, parts in by_scope.items()}

    def enclosed(self, by_scope: Mapping[str, list[bytes]]) -> bytes:
        """One `resource_logs` field around what `encode` gave."""
        body = [self._resource]
        for logger, logs in by_scope.items():
            before, after = self._scope(logger)
            body += enclosed(2, [before, *logs, after])
        return b"".join(enclosed(1, body))

    def _log(self, log: Log, offset: int, observed: bytes, clean: Callable[[str], str]) -> bytes:
        at, severity, severity_text, _, body, _, trace_id, span_id, flags, _, _, event = log
        return b"".join(
            (
                _TIME.pack(0x09, at + offset),
                number(2, severity),
                text(3, clean(severity_text)),
                message(5, message(1, utf8(clean(body)))),
                self._attributes.encode(attributes_of(log, self._components)),
                # the field of its own (below) is dropped by Loki
                self._attributes.encode({semconv.EVENT_NAME: event}) if event else b"",
                _FLAGS.pack(0x45, flags) if flags else b"",
                message(9, trace_id.to_bytes(16, "big")) if trace_id else b"",
                message(10, span_id.to_bytes(8, "big")) if span_id else b"",
                observed,
                text(12, event),
            )
        )

    def _scope(self, logger: str) -> tuple[bytes, bytes]:
        found = self._scopes.get(logger)
        if found is None:
            if len(self._scopes) >= _SCOPES_KEPT:
                self._scopes.clear()
            found = self._scopes[logger] = scope_fields(Scope(logger), self._scope_attributes)
        return found
