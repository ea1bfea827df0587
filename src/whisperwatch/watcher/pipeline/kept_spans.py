"""Spans of the tape as the store's parts of traces: redacted as they are for every other way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes, wall
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records, Span
from whisperwatch.watcher.store.traces.packing import PackedSpan, encode
from whisperwatch.watcher.store.traces.rows import Part

_INSTANCE: Final = "service.instance.id"
_KINDS: Final = ("internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_ERROR: Final = 2


class KeptSpans:
    """Turns spans into parts. `broken` counts spans that can't be kept."""

    def __init__(self, redaction: Redaction) -> None:
        attributes = KeptAttributes(redaction)
        self._attributes, self._name = attributes.redacted, attributes.recurring
        self._clean = attributes.clean
        self.broken = 0

    def parts(self, stream: Records, spans: Iterable[Span], offset: int) -> Iterator[Part]:
        """The spans' traces; their time + `offset` is wall time."""
        instance = str(stream.resource.get(_INSTANCE, ""))
        by_trace: dict[int, list[tuple[Span, PackedSpan]]] = {}
        for span in spans:
            try:
                packed = self._packed(stream, span, offset)
                span[0].to_bytes(16, "big")
            except (OverflowError, TypeError, ValueError, AttributeError, LookupError):
                self.broken += 1
                continue
            by_trace.setdefault(span[0], []).append((span, packed))
        for trace_id, of_trace in by_trace.items():
            yield self._part(trace_id, of_trace, offset, instance)

    def _part(self, trace_id: int, spans: list[tuple[Span, PackedSpan]], offset: int, instance: str) -> Part:
        return Part(
            trace_id.to_bytes(16, "big"),
            next((packed[2] for span, packed in spans if not span[2]), ""),
            min(span[7] for span, _ in spans) + offset,
            max(span[8] for span, _ in spans) + offset,
            any(span[11] == _ERROR for span, _ in spans),
            len(spans),
            instance,
            encode([packed for _, packed in spans]),
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
            wall(start, offset),
            wall(end, offset),
            _STATUSES[status or 0],
            self._clean(description) if description else "",
            self._attributes(told),
            [
                [self._name(event[0]), event[1] + offset, self._attributes(event[2] or {})]
                for event in events or ()
            ],
            [[f"{link[0]:032x}", f"{link[1]:016x}", self._attributes(link[4] or {})] for link in links or ()],
        ]
