"""Spans of the tape as the JSON that the store packs. It is put together of texts that are remembered: most of what a
bot's spans say they have said before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes, wall
from whisperwatch.watcher.records import Span
from whisperwatch.watcher.store.json_text import json_text

_KINDS: Final = ("internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ('"unset"', '"ok"', '"error"')
_HEADS_KEPT: Final = 4096


def member(key: str, value: Any) -> str:
    """An attribute as a member of a JSON object."""
    return f"{json_text(key)}:{json_text(value)}"


class SpanText:
    """Called with a span of one stream and what makes its times wall time: a `PackedSpan` as JSON.

    Args:
        attribute_sets: the stream's.
        attributes: makes `member`s.
    """

    def __init__(
        self, attribute_sets: Mapping[int, Mapping[str, Any]], attributes: KeptAttributes[str]
    ) -> None:
        self._attribute_sets, self._attributes = attribute_sets, attributes
        self._static: dict[int, tuple[Mapping[str, Any], str]] = {}
        self._heads: dict[tuple[str, int], str] = {}

    def __call__(self, span: Span, offset: int) -> str:
        """Raises:
        OverflowError, TypeError, ValueError, AttributeError, LookupError: it is no span that can be kept."""
        (
            _, span_id, parent, _, _, name, kind, start, end, static, attributes, status, description, events, links,
            _, _,
        ) = span  # fmt: skip
        head = self._heads.get((name, kind)) or self._head(name, kind)
        rest = "[],[]"
        if events or links:
            rest = f"[{self._events(events or (), offset)}],[{self._links(links or ())}]"
        about = json_text(self._attributes.clean(description)) if description else '""'
        return (
            f'["{span_id:016x}","{f"{parent:016x}" if parent else ""}",{head},'
            f"{wall(start, offset)},{wall(end, offset)},{_STATUSES[status or 0]},{about},"
            f"{{{self._told(static, attributes)}}},{rest}]"
        )

    def _head(self, name: str, kind: int) -> str:
        if len(self._heads) >= _HEADS_KEPT:
            self._heads.clear()
        head = f'{json_text(self._attributes.recurring(name))},"{_KINDS[kind]}"'
        self._heads[name, kind] = head
        return head

    def _told(self, static: int, own: Mapping[str, Any] | None) -> str:
        shared, text = self._static.get(static) or self._of_set(static)
        if not own:
            return text
        if not shared:
            return self._members(own)
        if shared.keys().isdisjoint(own):
            return f"{text},{self._members(own)}"
        return self._members({**shared, **own})

    def _of_set(self, static: int) -> tuple[Mapping[str, Any], str]:
        shared = self._attribute_sets[static]
        known = self._static[static] = shared, self._members(shared)
        return known

    def _members(self, attributes: Mapping[str, Any]) -> str:
        return ",".join(self._attributes.each(attributes))

    def _events(self, events: Iterable[tuple[Any, ...]], offset: int) -> str:
        name = self._attributes.recurring
        return ",".join(
            f"[{json_text(name(event[0]))},{json_text(event[1] + offset)},{{{self._members(event[2] or {})}}}]"
            for event in events
        )

    def _links(self, links: Iterable[tuple[Any, ...]]) -> str:
        return ",".join(
            f'["{link[0]:032x}","{link[1]:016x}",{{{self._members(link[4] or {})}}}]' for link in links
        )
