"""`health` and `health detailed`: the health report as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from whisperwatch.version import __version__
from whisperwatch.watcher.answers.page import Line, Moment, Page, Section

_GOOD: Final = ("healthy", "not configured")
_FOOTER: Final = f"Whisperwatch {__version__}"
_PROCESSES: Final = 40
"""What is told of each process is bounded, for a fleet on one machine."""


@dataclass(frozen=True, slots=True)
class Item:
    """One component, as it is shown. `numbers` are figures by what they are, as text; `process` as in the report."""

    name: str
    status: str
    reason: str
    since: float | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    process: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A health report, as it is shown: all that this file knows of the room `health`."""

    status: str
    at: float
    items: tuple[Item, ...]

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Health:
        """From what `/health` answers. Raises KeyError, TypeError or ValueError for anything else."""
        items = [
            Item(
                str(check["check"]),
                str(check["status"]),
                str(check["text"]),
                _unix(check.get("since")),
                {str(name): str(number) for name, number in (check.get("numbers") or {}).items()},
                check.get("process"),
            )
            for check in shown["checks"]
        ]
        return cls(str(shown["status"]), _unix(shown["at"]) or 0.0, tuple(items))


def page(health: Health, *, detailed: bool = False) -> Page:
    """What is wrong, and since when; in detail every component."""
    several = len({item.process for item in health.items if item.process is not None}) > 1
    wrong = [item for item in health.items if item.status not in _GOOD]
    shown = health.items if detailed else wrong
    sections = tuple(_section(item, several, detailed) for item in shown[:_PROCESSES])
    return Page(
        title=f"The bot is {health.status}",
        lines=tuple(_summary(health.items, wrong, detailed)),
        sections=sections,
        status=health.status,
        footer=_FOOTER,
        at=health.at,
    )


def _summary(items: Sequence[Item], wrong: Sequence[Item], detailed: bool) -> Iterator[Line]:
    if not wrong:
        yield f"All {len(items)} checks are well."
    else:
        yield f"{len(wrong)} of {len(items)} checks {'is' if len(wrong) == 1 else 'are'} not well."
    if not detailed:
        if names := ", ".join(dict.fromkeys(item.name for item in items if item.status == "healthy")):
            yield f"Well: {names}."
        if unset := ", ".join(dict.fromkeys(i.name for i in items if i.status == "not configured")):
            yield f"Not configured: {unset}."


def _section(item: Item, several: bool, detailed: bool) -> Section:
    title = item.name[:1].upper() + item.name[1:]
    if several and item.process is not None:
        title += f", process {item.process}"
    lines: list[Line] = [item.reason]
    if detailed:
        lines += [f"{name}: {number}" for name, number in item.numbers.items()]
    if item.since is not None:
        lines.append((f"{item.status.capitalize()} since ", Moment(item.since)))
    else:
        lines.append(f"{item.status.capitalize()}.")
    return Section(title, tuple(lines), item.status)


def _unix(iso: str | None) -> float | None:
    return None if iso is None else datetime.fromisoformat(iso).timestamp()
