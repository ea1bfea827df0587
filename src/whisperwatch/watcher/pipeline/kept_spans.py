"""Spans of the tape as the store's parts of traces: redacted as they are for every other way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from weakref import WeakKeyDictionary

from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.pipeline.span_text import SpanText, member
from whisperwatch.watcher.records import Records, Span
from whisperwatch.watcher.store.traces.packing import pack
from whisperwatch.watcher.store.traces.rows import Part

_INSTANCE: Final = "service.instance.id"
_ERROR: Final = 2


class KeptSpans:
    """Turns spans into parts. `broken` counts spans that can't be kept."""

    def __init__(self, redaction: Redaction) -> None:
        self._attributes = KeptAttributes(redaction, member)
        self._texts: WeakKeyDictionary[Records, SpanText] = WeakKeyDictionary()
        self.broken = 0

    def parts(self, stream: Records, spans: Iterable[Span], offset: int) -> Iterator[Part]:
        """The spans' traces; their time + `offset` is wall time."""
        text_of = self._text_of(stream)
        traces: dict[int, _Trace] = {}
        for span in spans:
            try:
                text = text_of(span, offset)
                trace = traces.get(span[0])
                if trace is None:
                    trace = traces[span[0]] = _Trace(span)
            except (OverflowError, TypeError, ValueError, AttributeError, LookupError):
                self.broken += 1
                continue
            trace.add(span, text)
        instance, name = str(stream.resource.get(_INSTANCE, "")), self._attributes.recurring
        for trace in traces.values():
            yield trace.part(offset, name(trace.root) if trace.root else "", instance)

    def _text_of(self, stream: Records) -> SpanText:
        known = self._texts.get(stream)
        if known is None:
            known = self._texts[stream] = SpanText(stream.attribute_sets, self._attributes)
        return known


class _Trace:
    """What has come of one; times as on the tape."""

    __slots__ = ("end", "error", "id", "root", "start", "texts")

    def __init__(self, span: Span) -> None:
        self.id = span[0].to_bytes(16, "big")
        self.start, self.end = span[7], span[8]
        self.root, self.error = "", False
        self.texts: list[str] = []

    def add(self, span: Span, text: str) -> None:
        """Take a span on."""
        self.texts.append(text)
        if not span[2] and not self.root:
            self.root = span[5]
        if span[7] < self.start:
            self.start = span[7]
        if span[8] > self.end:
            self.end = span[8]
        if span[11] == _ERROR:
            self.error = True

    def part(self, offset: int, root: str, instance: str) -> Part:
        """It, as it is kept."""
        body = pack(f"[{','.join(self.texts)}]")
        return Part(
            self.id, root, self.start + offset, self.end + offset, self.error, len(self.texts), instance, body
        )
