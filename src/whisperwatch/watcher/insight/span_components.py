"""Which part of the bot a span is of, told by its attributes: the components of `performance`, by span."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.query.answers import SpanRecord

BOT: Final = "bot"
"""The bot's own code: listeners, commands, and the event itself."""
PEOPLE: Final = "people"
"""No component: the bot waited for somebody's next message or click, and nobody for the bot."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """What tells a component: an attribute, and which values of it (none: any)."""

    component: str
    attribute: str
    values: tuple[str, ...] = ()

    def on(self, attributes: Mapping[str, object]) -> bool:
        value = attributes.get(self.attribute)
        return value is not None and (not self.values or value in self.values)


_SIGNS: Final = (
    _Sign("llm", semconv.GEN_AI_OPERATION),
    _Sign("memory", semconv.DB_SYSTEM, ("chroma", "qdrant")),
    _Sign("cache", semconv.DB_SYSTEM, ("redis",)),
    _Sign("database", semconv.DB_SYSTEM),
    _Sign("tasks", semconv.MESSAGING_SYSTEM),
    _Sign("discord", semconv.ROUTE),
    _Sign("network", semconv.METHOD),
)
"""The first that fits."""


@dataclass(frozen=True, slots=True)
class Work:
    """Whose work a span is. `operation`: what was done, by a name that is bounded."""

    component: str
    operation: str


def works_of(spans: Iterable[SpanRecord]) -> Mapping[str, Work]:
    """By span id, whose work each span of a trace is.

    What a library asks over the network for a call of ours (an LLM's request, a vector store's) is that call's work.
    """
    spans = tuple(spans)
    parents = {span.span_id: span.parent_id for span in spans}
    works = {span.span_id: _work(span) for span in spans}
    return {span_id: works[_caller(span_id, parents, works)] for span_id in works}


def _caller(span_id: str, parents: Mapping[str, str], works: Mapping[str, Work]) -> str:
    above = parents[span_id]
    asked = works[span_id].component == "network" and above in works
    return above if asked and works[above].component not in (BOT, PEOPLE, "network") else span_id


def _work(span: SpanRecord) -> Work:
    component = _component(span)
    where = span.attributes.get(semconv.SERVER_ADDRESS)
    return Work(component, f"{span.name} {where}" if component == "network" and where else span.name)


def _component(span: SpanRecord) -> str:
    for sign in _SIGNS:
        if sign.on(span.attributes):
            return sign.component
    area = str(span.attributes.get(semconv.OPERATION, "")).partition(".")[0]
    if area in semconv.COMPONENTS:
        return area
    if any(link.attributes.get(semconv.TASK_CAUSE) == "wait_for" for link in span.links):
        return PEOPLE
    return "discord" if span.name == semconv.SPAN_VOICE.name else BOT
