"""Security events, from what carries them: a record of a store, or a log of the tape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.answers import LogRecord
from whisperwatch.watcher.records import Log, Records
from whisperwatch.watcher.siem.event import SecurityEvent, one_line

_SERVICE, _INSTANCE, _HOST = "service.name", "service.instance.id", "host.name"
_EVENT: Final = 11
"""The place of the event's name in a LOG of the tape."""
_Fields = dict[str, str]


def of_record(record: LogRecord, service: str = "", host: str = "") -> SecurityEvent:
    """What a store has; it doesn't say whose `service` it is, nor on which `host`."""
    return SecurityEvent(
        record.at, trace_id=record.trace_id, span_id=record.span_id, service=service, host=host,
        instance=record.instance, **_said(record.attributes),
    )  # fmt: skip


def is_security(log: Log) -> bool:
    """Whether a LOG of the tape tells of a security event."""
    return bool(log[_EVENT] == semconv.EVENT_SECURITY)


def of_log(stream: Records, log: Log, offset: int, redaction: Redaction) -> SecurityEvent:
    """What a LOG of the tape says, redacted; its time + `offset` is wall time.

    Raises:
        AttributeError, TypeError, ValueError: it has another shape.
    """
    at, given, trace_id, span_id = log[0], log[5], log[6], log[7]
    found = _said({key: _redacted(key, value, redaction) for key, value in (given or {}).items()})
    resource = stream.resource
    return SecurityEvent(
        at + offset,
        trace_id=f"{trace_id:032x}" if trace_id else "", span_id=f"{span_id:016x}" if trace_id else "",
        service=_text(resource, _SERVICE), host=_text(resource, _HOST), instance=_text(resource, _INSTANCE), **found,
    )  # fmt: skip


def _said(attributes: Mapping[str, Any]) -> _Fields:
    return {
        "kind": _text(attributes, semconv.SECURITY_KIND),
        "outcome": _text(attributes, semconv.SECURITY_OUTCOME),
        "target": _text(attributes, semconv.SECURITY_TARGET),
        "user": _text(attributes, semconv.SECURITY_BY) or _text(attributes, semconv.USER_ID),
    }


def _text(attributes: Mapping[str, Any], key: str) -> str:
    value = attributes.get(key)
    return "" if value is None else one_line(str(value))


def _redacted(key: str, value: Any, redaction: Redaction) -> Any:
    if key in semconv.HASHED_ATTRIBUTES:
        return redaction(value)
    return redaction.redactor.value(key, value)
