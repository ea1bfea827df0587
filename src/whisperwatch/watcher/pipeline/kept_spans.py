"""Spans of the tape as the store's parts of traces: redacted as they are for every other way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from whisperwatch.semconv import HASHED_ATTRIBUTES
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records, Span
from whisperwatch.watcher.store.traces.rows import PackedSpan, Part, encode

_INSTANCE: Final = "service.instance.id"
_KINDS: Final = ("internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_ERROR: Final = 2
_KEPT: Final = 4096


class KeptSpans:
    """Turns spans into parts. `broken` counts spans that can't be kept."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._clean = redaction.redactor.text
        self._names: dict[str, str] = {}
        self.broken = 0

    def parts(self, stream: Records, spans: Iterable[Span], offset: int) -> Iterator[Part]:
        """The spans' traces; their time + `offset` is wall time."""
        instance = str(stream.resource.get(_INSTANCE, ""))
        by_trace: dict[int, list[Span]] = {}
        for span in spans:
            by_trace.setdefault(span[0], []).append(span)
        for trace_id, of_trace in by_trace.items():
            try:
                yield self._part(stream, trace_id, of_trace, offset, instance)
            except (OverflowError, TypeError, ValueError, AttributeError, KeyError):
                self.broken += len(of_trace)

    def _part(self, stream: Records, trace_id: int, spans: list[Span], offset: int, instance: str) -> Part:
        root = next((self._name(span[5]) for span in spans if not span[2]), "")
        return Part(
            trace_id.to_bytes(16, "big"),
            root,
            min(span[7] for span in spans) + offset,
            max(span[8] for span in spans) + offset,
            any(span[11] == _ERROR for span in spans),
            len(spans),
            instance,
            encode([self._packed(stream, span, offset) for span in spans]),
        )

    def _packed(self, stream: Records, span: Span, offset: int) -> PackedSpan:
        (
            _, span_id, parent, _, _, name, kind, start, end, static, attributes, status, description, events, links,
            _, _,
        ) = span  # fmt: skip
        told = stream.attribute_sets[static]
        if attributes:
            told = {**told, **attributes}
        return [
            f"{span_id:016x}",
            f"{parent:016x}" if parent else "",
            self._name(name),
            _KINDS[kind],
            start + offset,
            end + offset,
            _STATUSES[status or 0],
            self._clean(description) if description else "",
            self._attributes(told),
            [
                [self._clean(event[0]), event[1] + offset, self._attributes(event[2] or {})]
                for event in events or ()
            ],
            [[f"{link[0]:032x}", f"{link[1]:016x}", self._attributes(link[4] or {})] for link in links or ()],
        ]

    def _attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        clean, value_of = self._name, self._redaction.redactor.value
        return {
            clean(key): self._redaction(value)
            if key in HASHED_ATTRIBUTES and value is not None
            else value_of(key, value)
            for key, value in attributes.items()
        }

    def _name(self, name: str) -> str:
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= _KEPT:
                self._names.clear()
            known = self._names[name] = self._clean(name)
        return known
