"""`health` and `health detailed`: the health report, as `/health` tells it, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from whisperwatch.version import __version__
from whisperwatch.watcher.answers.page import Line, Moment, Page, Section, named, sentence, symbol
from whisperwatch.watcher.health.report import COMPONENT_OF

_WRONG: Final = ("degraded", "unhealthy", "suspect")
_FOOTER: Final = f"Whisperwatch {__version__}"
_ITEMS: Final = 40
"""What is told of each process is bounded, for a fleet on one machine."""
_PARTS: Final = 8
"""Of one component, for a phone: `/health/detailed` has all, and every figure by its name."""
_TITLES: Final = {
    "system": "System resources", "llm": "LLM", "database": "Databases", "memory": "Memory system",
    "tasks": "Background tasks", "monitor": "The monitor itself",
}  # fmt: skip
"""Of what isn't just called by its name."""


@dataclass(frozen=True, slots=True)
class Item:
    """One check or component, as it is shown. `process` as in the report; `parts` are what it was judged by: the status
    and a sentence of each."""

    name: str
    status: str
    reason: str
    since: float | None = None
    parts: tuple[tuple[str, str], ...] = ()
    process: int | None = None

    @property
    def title(self) -> str:
        return _TITLES.get(self.name) or self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True, slots=True)
class Health:
    """A health report, as it is shown: all that is known here of the room `health`."""

    status: str
    at: float
    items: tuple[Item, ...]

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Health:
        """From what `/health` or `/health/detailed` answers. Raises KeyError, TypeError or ValueError for all else."""
        components = [_item(one, "component", "reason") for one in shown.get("components") or ()]
        present = {item.name for item in components}
        checks = [_item(one, "check", "text") for one in shown["checks"]]
        checks = [item for item in checks if COMPONENT_OF.get(item.name) not in present]
        return cls(str(shown["status"]), _unix(shown["at"]) or 0.0, (*checks, *components))


def page(health: Health, *, detailed: bool = False) -> Page:
    """What is wrong, and since when; in detail every component."""
    several = len({item.process for item in health.items if item.process is not None}) > 1
    wrong = [item for item in health.items if item.status in _WRONG]
    shown = health.items if detailed else wrong
    return Page(
        title=f"The bot is {named(health.status)}",
        lines=tuple(_summary(health.items, wrong, detailed)),
        sections=tuple(_section(item, several, detailed) for item in shown[:_ITEMS]),
        status=health.status,
        footer=_FOOTER,
        at=health.at,
    )


def off(reason: str) -> Page:
    """Instead of the report, where health is off; `reason` says by what."""
    return Page("Health is off", (reason,), status="not_configured", footer=_FOOTER)


def _item(shown: Mapping[str, Any], name: str, reason: str) -> Item:
    return Item(
        str(shown[name]),
        str(shown["status"]),
        str(shown[reason]),
        _unix(shown.get("since")),
        tuple((str(part["status"]), _sentence(part)) for part in shown.get("parts") or ()),
        shown.get("process"),
    )


def _sentence(part: Mapping[str, Any]) -> str:
    return sentence(f"{part['part']} {part['text']}".strip())


def _summary(items: Sequence[Item], wrong: Sequence[Item], detailed: bool) -> Iterator[Line]:
    judged = sum(item.status != "not_configured" for item in items)
    if not wrong:
        yield (
            f"All {judged} checks are well." if not _of(items, "unknown") else "Nothing is found to be wrong."
        )
    else:
        yield f"{len(wrong)} of {judged} checks {'is' if len(wrong) == 1 else 'are'} not well."
    if not detailed:
        for status, text in (
            ("healthy", "Well"),
            ("unknown", "Not known"),
            ("not_configured", "Not configured"),
        ):
            if titles := _of(items, status):
                yield f"{text}: {', '.join(titles)}."


def _of(items: Sequence[Item], status: str) -> list[str]:
    return list(dict.fromkeys(item.title for item in items if item.status == status))


def _section(item: Item, several: bool, detailed: bool) -> Section:
    title = item.title
    if several and item.process is not None:
        title += f", process {item.process}"
    lines: list[Line] = [item.reason]
    if detailed and len(item.parts) > 1:
        lines = [_part(status, text) for status, text in item.parts[:_PARTS]]
    how = named(item.status).capitalize()
    lines.append(f"{how}." if item.since is None else (f"{how} since ", Moment(item.since)))
    return Section(title, tuple(lines), item.status)


def _part(status: str, text: str) -> str:
    return text if status == "healthy" else f"{symbol(status)}{text}"


def _unix(iso: str | None) -> float | None:
    return None if iso is None else datetime.fromisoformat(iso).timestamp()
