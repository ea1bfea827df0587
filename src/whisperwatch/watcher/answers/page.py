"""A page: what an answer says, before it is known where it is read. Short lines, for most are read on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from whisperwatch.watcher.answers.charts.chart import Chart


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, unix seconds, which Discord shows in its reader's zone, and a terminal in its own."""

    unix: float


@dataclass(frozen=True, slots=True)
class Link:
    """What a reader can open. `url` has nothing that Markdown takes for its own."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A line that draws with letters what the page's chart draws better, and is left out beside that."""

    text: str


Line = str | Sketch | tuple[str | Moment | Link, ...]
"""One line: text, in which there may be moments and links."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and what is below it. `status` is one of `SYMBOLS`, or None."""

    title: str
    lines: tuple[Line, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with an answer. `name` has no folder."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Button:
    """What may be asked next: the same question with these arguments, or another."""

    label: str
    arguments: Mapping[str, Any]
    question: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `status` colours it, and is also said in a symbol and, by whoever makes the page, in words.

    Attributes:
        at: unix seconds of what it tells, shown at its foot; None is shown as no time.
        chart: what Discord shows as a picture and a terminal as plots, where they can be drawn.
        again: arguments that ask for the very same again, where it goes on on another page.
    """

    title: str
    lines: tuple[Line, ...] = ()
    sections: tuple[Section, ...] = ()
    status: str | None = None
    footer: str = ""
    at: float | None = None
    files: tuple[Attachment, ...] = ()
    buttons: tuple[Button, ...] = ()
    chart: Chart | None = None
    again: Mapping[str, Any] | None = None


def unsketched(page: Page) -> Page:
    """Beside its chart, which shows what the sketches do."""
    sections = tuple(replace(section, lines=_unsketched(section.lines)) for section in page.sections)
    return replace(page, lines=_unsketched(page.lines), sections=sections)


def _unsketched(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(line for line in lines if not isinstance(line, Sketch))


def remarks(missing: Sequence[str], notes: Sequence[str]) -> tuple[Section, ...]:
    """What stands below an answer, in sentences: what is missing of it, and what else is to be known; nothing where all
    is well."""
    lines = tuple(map(sentence, (*missing, *notes)))
    return (Section("Not all is known" if missing else "Please note", lines),) if lines else ()


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


SYMBOLS: Final = {
    "healthy": "✅",
    "degraded": "⚠️",
    "unhealthy": "❌",
    "suspect": "❔",
    "unknown": "❔",
    "not_configured": "⬜",
}
"""Of each status, told apart by shape, not by colour alone."""


def named(status: str) -> str:
    """A status in words."""
    return status.replace("_", " ")


def symbol(status: str | None) -> str:
    """The symbol of a status, with a space behind; empty without one. One that is new to us is unknown."""
    return "" if status is None else f"{SYMBOLS.get(status, SYMBOLS['unknown'])} "
