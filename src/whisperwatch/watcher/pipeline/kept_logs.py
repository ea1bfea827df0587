"""Logs of the tape as the store's rows: redacted as they are for every other way out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.log_record import attributes_of
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Log, Records
from whisperwatch.watcher.store.logs import Row

_INSTANCE: Final = "service.instance.id"
_KEPT: Final = 4096
_RECURRING: Final = frozenset(
    {semconv.COMPONENT, semconv.CODE_FILE, semconv.CODE_FUNCTION, semconv.EXCEPTION_TYPE}
)


class KeptLogs:
    """Turns records into rows. `components`: what `LOG_COMPONENTS` says. `broken` counts those that are none."""

    def __init__(self, redaction: Redaction, components: Mapping[str, str]) -> None:
        self._redaction, self._components = redaction, components
        self._clean = lru_cache(_KEPT)(redaction.redactor.text)
        """Of what recurs: keys, loggers, files, functions."""
        self.broken = 0

    def rows(self, stream: Records, logs: Iterable[Log], offset: int) -> Iterator[Row]:
        """Their rows; their time + `offset` is wall time."""
        instance = str(stream.resource.get(_INSTANCE, ""))
        for log in logs:
            try:
                yield self._row(log, offset, instance)
            except (OverflowError, TypeError, ValueError, AttributeError):
                self.broken += 1

    def _row(self, log: Log, offset: int, instance: str) -> Row:
        at, severity, level, logger, body, _, trace_id, span_id, _, _, _, event = log
        clean = self._clean
        attributes = {
            clean(key): self._value(key, value) for key, value in attributes_of(log, self._components).items()
        }
        component = str(attributes.pop(semconv.COMPONENT))
        return (
            at + offset,
            severity,
            level,
            component,
            clean(logger),
            _storable(self._redaction.redactor.text(body)),
            _storable(_exception(attributes)),
            trace_id.to_bytes(16, "big") if trace_id else None,
            span_id.to_bytes(8, "big") if trace_id else None,
            instance,
            event or "",
            json.dumps(attributes, ensure_ascii=False, separators=(",", ":"), default=str)
            .encode("utf-8", "replace")
            .decode(),
        )

    def _value(self, key: str, value: Any) -> Any:
        if key in _RECURRING and isinstance(value, str):
            return self._clean(value)
        if key == semconv.CODE_LINE:
            return value
        if key in semconv.HASHED_ATTRIBUTES and value is not None:
            return self._redaction(value)
        return self._redaction.redactor.value(key, value)


def _exception(attributes: Mapping[str, Any]) -> str:
    kind = attributes.get(semconv.EXCEPTION_TYPE)
    if kind is None:
        return ""
    return f"{kind}: {attributes.get(semconv.EXCEPTION_MESSAGE) or ''}"


def _storable(text: str) -> str:
    """Without what SQLite's text ends at, and what is no Unicode."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
