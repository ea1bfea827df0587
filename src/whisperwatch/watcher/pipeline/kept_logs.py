"""Logs of the tape as the store's rows: redacted as they are for every other way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes, pair, wall
from whisperwatch.watcher.pipeline.log_record import attributes_of, with_redaction
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Log, Records
from whisperwatch.watcher.store.json_text import json_text
from whisperwatch.watcher.store.logs import Row

_INSTANCE: Final = "service.instance.id"
_NUMBERS: Final = range(1 << 31)


class KeptLogs:
    """Turns records into rows. `components`: what `LOG_COMPONENTS` says. `broken` counts those that are none."""

    def __init__(self, redaction: Redaction, components: Mapping[str, str]) -> None:
        self._attributes, self._components = KeptAttributes(redaction, pair), components
        self._redactor = redaction.redactor
        self.broken = 0

    def rows(self, stream: Records, logs: Iterable[Log], offset: int) -> Iterator[Row]:
        """Their rows; their time + `offset` is wall time."""
        instance = str(stream.resource.get(_INSTANCE, ""))
        for log, clean in with_redaction(self._redactor, logs):
            try:
                yield self._row(log, offset, instance, clean)
            except (OverflowError, TypeError, ValueError, AttributeError, LookupError):
                self.broken += 1

    def _row(self, log: Log, offset: int, instance: str, clean: Callable[[str], str]) -> Row:
        at, severity, level, logger, body, _, trace_id, span_id, _, _, _, event = log
        name = self._attributes.recurring
        attributes = dict(self._attributes.each(attributes_of(log, self._components)))
        component = str(attributes.pop(semconv.COMPONENT))
        return (
            wall(at, offset),
            _number(severity),
            _storable(name(level)),
            _storable(component),
            _storable(name(logger)),
            _storable(clean(body)),
            _storable(_exception(attributes)),
            trace_id.to_bytes(16, "big") if trace_id else None,
            span_id.to_bytes(8, "big") if trace_id else None,
            instance,
            _storable(name(event)) if event else "",
            _storable(json_text(attributes)),
        )


def _exception(attributes: Mapping[str, Any]) -> str:
    kind = attributes.get(semconv.EXCEPTION_TYPE)
    if kind is None:
        return ""
    return f"{kind}: {attributes.get(semconv.EXCEPTION_MESSAGE) or ''}"


def _number(severity: int) -> int:
    if (number := int(severity)) not in _NUMBERS:
        raise OverflowError(f"{number} is no severity")
    return number


def _storable(text: str) -> str:
    """Without what SQLite's text ends at, and what is no Unicode."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
