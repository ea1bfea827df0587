"""Spans of the tape as OTLP bytes (`ResourceSpans` of an ExportTraceServiceRequest).

Decoded, the bytes equal what the SDK's encoder gives for the same spans, also in what that leaves out (the trace
flags of a span, the trace state of a link). Whatever repeats from span to span (name, kind, status, the static
attribute set) is encoded once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from whisperwatch.tape import PARENT_REMOTE
from whisperwatch.watcher.pipeline.attributes import KeyValues
from whisperwatch.watcher.pipeline.protobuf import enclosed, message, number, prefixes, text, varint
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records, Scope, Span

# ids, start, end: the part that no two spans share
_ROOT = struct.Struct("<2s16s2s8sBQBQ")
_CHILD = struct.Struct("<2s16s2s8sBQBQ2s8s")
_FIXED32 = struct.Struct("<I")
_TIME = struct.Struct("<BQ")
_SPAN: Final = prefixes(2, 2048)
_HEADS_KEPT: Final = 4096
_HAS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200


class SpanEncoder:
    """Encodes the spans of one stream.

    `broken` counts spans that could not be encoded (a time or an id out of range).
    """

    def __init__(self, stream: Records, redaction: Redaction) -> None:
        self.broken = 0
        # not the stream: what is kept by stream must not keep it
        self._attribute_sets, self._scopes = stream.attribute_sets, stream.scopes
        self._attributes = KeyValues(9, redaction)
        self._event_attributes = KeyValues(3, redaction)
        self._link_attributes = KeyValues(4, redaction)
        self._static_keys: dict[int, frozenset[str]] = {}
        self._heads: dict[tuple[Any, ...], tuple[bytes, int]] = {}
        self._scope_fields: dict[int, tuple[bytes, bytes]] = {}
        self._resource = message(1, KeyValues(1, redaction).encode(stream.resource))
        self._scope_attributes = KeyValues(3, redaction)

    def encode(self, spans: Iterable[Span], offset: int) -> dict[int, bytes]:
        """Spans as `ScopeSpans.spans` fields, by the number of their scope; their time + `offset` is wall time."""
        by_scope: dict[int, list[bytes]] = {}
        heads = self._heads
        attribute_sets, static_keys = self._attribute_sets, self._static_keys
        encode_attributes = self._attributes.encode
        root, child, prefix, known_prefixes = _ROOT.pack, _CHILD.pack, _SPAN, len(_SPAN)
        last_scope = last_trace = None
        trace = b""
        out: list[bytes] = []
        for (
            trace_id, span_id, parent, flags, trace_state, name, kind, start, end, static, attributes,
            status, description, events, links, scope, dropped,
        ) in spans:  # fmt: skip
            try:
                if trace_id != last_trace:
                    last_trace, trace = trace_id, trace_id.to_bytes(16, "big")
                if parent:
                    ids = child(
                        b"\x0a\x10", trace, b"\x12\x08", span_id.to_bytes(8, "big"),
                        0x39, start + offset, 0x41, end + offset, b"\x22\x08", parent.to_bytes(8, "big"),
                    )  # fmt: skip
                else:
                    ids = root(
                        b"\x0a\x10", trace, b"\x12\x08", span_id.to_bytes(8, "big"),
                        0x39, start + offset, 0x41, end + offset,
                    )  # fmt: skip
                own = b""
                if attributes:
                    if static and not (static_keys.get(static) or self._keys(static)).isdisjoint(attributes):
                        own = encode_attributes({**attribute_sets[static], **attributes})
                        static = 0
                    else:
                        own = encode_attributes(attributes)
                if description or trace_state or events or links or dropped:
                    own += self._rare(description, status, trace_state, events, links, dropped, offset)
                    if description:
                        status = None
                known = heads.get((name, kind, static, status, flags))
                head, size = known or self._head(name, kind, static, status, flags)
            except (OverflowError, TypeError, ValueError, AttributeError, struct.error):
                self.broken += 1
                continue
            if scope != last_scope:
                last_scope = scope
                out = by_scope.setdefault(scope, [])
            size += len(ids) + len(own)
            out += (
                prefix[size] if size < known_prefixes else b"\x12" + varint(size),
                ids,
                head,
                own,
            )
        return {scope: b"".join(parts) for scope, parts in by_scope.items()}

    def enclosed(self, by_scope: Mapping[int, list[bytes]]) -> bytes:
        """One `resource_spans` field around what `encode` gave; put together once, for it is long."""
        body = [self._resource]
        for scope, spans in by_scope.items():
            before, after = self._scope(scope)
            body += enclosed(2, [before, *spans, after])
        return b"".join(enclosed(1, body))

    def _keys(self, static: int) -> frozenset[str]:
        keys = self._static_keys[static] = frozenset(self._attribute_sets[static])
        return keys

    def _head(self, name: str, kind: int, static: int, status: int | None, flags: int) -> tuple[bytes, int]:
        """What spans of a sort share, and its length. A status of None is in the other part, with its description."""
        remote = _IS_REMOTE if flags & PARENT_REMOTE else 0
        head = b"".join(
            (
                text(5, self._attributes.clean(name)),
                number(6, kind + 1),
                b"\x85\x01" + _FIXED32.pack(_HAS_REMOTE | remote),
                b"" if status is None else message(15, number(3, status)),
                self._attributes.encode(self._attribute_sets[static]),
            )
        )
        if len(self._heads) >= _HEADS_KEPT:
            self._heads.clear()
        known = self._heads[name, kind, static, status, flags] = head, len(head)
        return known

    def _rare(
        self,
        description: str | None,
        status: int,
        trace_state: str | None,
        events: Iterable[tuple[Any, ...]] | None,
        links: Iterable[tuple[Any, ...]] | None,
        dropped: tuple[int, int, int] | None,
        offset: int,
    ) -> bytes:
        clean = self._attributes.clean
        parts = [text(3, clean(trace_state))] if trace_state else []
        if description:
            parts.append(message(15, text(2, clean(description)) + number(3, status)))
        parts += [message(11, self._event(event, offset)) for event in events or ()]
        parts += [message(13, self._link(link)) for link in links or ()]
        if dropped:
            parts += [number(field, count) for field, count in zip((10, 12, 14), dropped, strict=True)]
        return b"".join(parts)

    def _event(self, event: tuple[Any, ...], offset: int) -> bytes:
        name, at, attributes, dropped = event
        return b"".join(
            (
                _TIME.pack(0x09, at + offset),
                text(2, self._attributes.clean(name)),
                self._event_attributes.encode(attributes) if attributes else b"",
                number(4, dropped),
            )
        )

    def _link(self, link: tuple[Any, ...]) -> bytes:
        trace_id, span_id, flags, _trace_state, attributes, dropped = link
        remote = _IS_REMOTE if flags & PARENT_REMOTE else 0
        return b"".join(
            (
                message(1, trace_id.to_bytes(16, "big")),
                message(2, span_id.to_bytes(8, "big")),
                self._link_attributes.encode(attributes) if attributes else b"",
                number(5, dropped),
                b"\x35" + _FIXED32.pack(_HAS_REMOTE | remote),
            )
        )

    def _scope(self, scope: int) -> tuple[bytes, bytes]:
        found = self._scope_fields.get(scope)
        if found is None:
            found = self._scope_fields[scope] = scope_fields(self._scopes[scope], self._scope_attributes)
        return found


def scope_fields(scope: Scope, attributes: KeyValues) -> tuple[bytes, bytes]:
    """The `scope` and `schema_url` fields of ScopeSpans and ScopeMetrics."""
    clean = attributes.clean
    body = (
        text(1, clean(scope.name))
        + text(2, clean(scope.version or ""))
        + attributes.encode(scope.attributes or {})
    )
    return message(1, body), text(3, clean(scope.schema_url or ""))
