"""`check`: health in detail, what is misconfigured though it works, and what telemetry costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from whisperwatch.semconv import CLOSE_CODE, GATEWAY_DISCONNECTS
from whisperwatch.watcher.answers.page import Page, Section
from whisperwatch.watcher.records import Records

_DISALLOWED_INTENTS: Final = "4014"
"""The close code: an intent is not switched on in the developer portal."""


class Source(Protocol):
    """One process of a bot, as `watcher.source` has it."""

    @property
    def hello(self) -> Mapping[str, Any]: ...
    @property
    def beat(self) -> Mapping[str, Any] | None: ...
    @property
    def stream(self) -> Records: ...


def page(health: Page, findings: Sequence[str], cost: Sequence[Section]) -> Page:
    """The health page in detail, with what was found, and what it costs."""
    if findings:
        found = Section("Misconfigured", tuple(findings), "degraded")
    else:
        found = Section("Nothing is found to be misconfigured", (), "healthy")
    return replace(health, sections=(*health.sections, found, *cost))


def findings(sources: Sequence[Source]) -> Iterator[str]:
    """What is wrong in how the bots are set up, a sentence each."""
    told: dict[str, None] = {}
    for source in sources:
        for found in (*_intents(source), *_refused_intents(source), *_unsupported(source)):
            told[found] = None
    yield from told


def _intents(source: Source) -> Iterator[str]:
    for bot in (source.beat or {}).get("bots", ()):
        for intent, why in (bot.get("lacks") or {}).items():
            yield (
                f"{bot.get('name')} lacks the intent {intent}: {why}. Set intents.{intent}, and switch it on in "
                "Discord's developer portal."
            )


def _refused_intents(source: Source) -> Iterator[str]:
    for instrument in source.stream.instruments:
        if instrument.name == GATEWAY_DISCONNECTS.name and any(
            cell.attributes.get(CLOSE_CODE) == _DISALLOWED_INTENTS and cell.value and cell.value[0]
            for cell in instrument.cells
        ):
            yield (
                "Discord has refused the connection (4014): an intent that the bot asks for is not switched on in "
                "Discord's developer portal."
            )


def _unsupported(source: Source) -> Iterator[str]:
    """What the bot's process said at its hello of libraries that it can't watch."""
    for library in source.hello.get("unsupported") or ():
        yield f"Not watched: {library}"
