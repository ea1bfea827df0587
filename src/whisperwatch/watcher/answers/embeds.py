"""A page as embeds of Discord, within its limits: what doesn't fit into one goes on in the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from whisperwatch.watcher.answers.page import Line, Link, Moment, Page, Sketch, symbol

TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
FOOTER: Final = 2048
ALL: Final = 6000
"""Characters of all embeds of a message together. Discord counts UTF-16 units, as a browser does."""
COLOURS: Final = {"healthy": 0x2ECC71, "degraded": 0xF1C40F, "unhealthy": 0xE74C3C}
_GREY: Final = 0x95A5A6
_EMPTY: Final = "\u200b"
"""Discord refuses a field without a value."""
_NUMBER: Final = "page {} of {}"
_MARKDOWN = re.compile(r"(`[^`\n@]{1,200}`)|([\\*_~`|<>\[\]#])|(^[-+](?= ))", re.MULTILINE)
"""What is between two backticks is code, in which all else is itself; a mark elsewhere; a list's dash."""


def embeds(page: Page) -> list[dict[str, Any]]:
    """The page as embeds, each for a message of its own: what doesn't fit into one goes on in the next."""
    title = clipped(symbol(page.status) + escaped(page.title), TITLE)
    footer = clipped(page.footer, FOOTER)
    leaves = _leaves(page, ALL - length(title) - length(footer) - length(_NUMBER.format(999, 999)))
    made = []
    for number, leaf in enumerate(leaves, 1):
        embed: dict[str, Any] = {"title": title, "color": COLOURS.get(page.status or "", _GREY)}
        if (link := _first_link(page)) is not None:
            embed["url"] = link.url  # of the title, on each leaf
        if page.at is not None:
            embed["timestamp"] = datetime.fromtimestamp(page.at, UTC).isoformat(timespec="milliseconds")
        if leaf.lines:
            embed["description"] = "\n".join(leaf.lines)
        if leaf.fields:
            embed["fields"] = leaf.fields
        told = [footer] if footer else []
        told += [_NUMBER.format(number, len(leaves))] if len(leaves) > 1 else []
        if told:
            embed["footer"] = {"text": " · ".join(told)}
        made.append(embed)
    return made


def _first_link(page: Page) -> Link | None:
    lines = (line for section in page.sections for line in section.lines if isinstance(line, tuple))
    parts = (part for line in lines for part in line)
    return next((part for part in parts if isinstance(part, Link)), None)


def escaped(text: str) -> str:
    """Text that Discord shows as it is, but for what is marked as code: a file's name keeps its underscores, nobody is
    mentioned."""
    return _MARKDOWN.sub(_marked, text).replace("@", "@\u200b")


def _marked(found: re.Match[str]) -> str:
    return found[1] or f"\\{found[0]}"


def clipped(text: str, longest: int) -> str:
    """No longer than that, with an ellipsis where something was cut."""
    if length(text) <= longest:
        return text
    cut = text.encode("utf-16-le")[: 2 * max(longest - 1, 0)].decode("utf-16-le", "ignore")
    return f"{cut.rstrip(chr(92))}…" if longest > 0 else ""


def length(text: str) -> int:
    """As Discord counts."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(slots=True)
class _Leaf:
    """What is in one embed, and how much more may be."""

    left: int
    lines: list[str] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    _described: int = 0

    def describe(self, line: str) -> bool:
        """Add a line to its description; False where there is no room."""
        needs = length(line) + 1
        if self._described + needs > DESCRIPTION or needs > self.left or self.fields:
            return False
        self.lines.append(line)
        self._described += needs
        self.left -= needs
        return True

    def add(self, name: str, value: str) -> bool:
        """Add a field; False where there is no room."""
        needs = length(name) + length(value)
        if needs > self.left or len(self.fields) == FIELDS:
            return False
        self.fields.append({"name": name, "value": value, "inline": False})
        self.left -= needs
        return True


def _leaves(page: Page, room: int) -> list[_Leaf]:
    leaves = [_Leaf(room)]
    for line in page.lines:
        text = clipped(_line(line), min(DESCRIPTION, room) - 1)
        if not leaves[-1].describe(text):
            leaves.append(_Leaf(room))
            leaves[-1].describe(text)
    for section in page.sections:
        name = clipped(symbol(section.status) + escaped(section.title), FIELD_NAME).strip() or _EMPTY
        for number, value in enumerate(_values(section.lines, min(FIELD_VALUE, room - length(name)))):
            if not leaves[-1].add(_EMPTY if number and leaves[-1].fields else name, value):
                leaves.append(_Leaf(room))
                leaves[-1].add(name, value)
    return leaves


def _values(lines: Sequence[Line], longest: int) -> list[str]:
    """The lines of a section as values of fields, as few as they fit into."""
    values: list[str] = []
    for line in lines:
        text = clipped(_line(line), longest).strip()
        if values and length(values[-1]) + 1 + length(text) <= longest:
            values[-1] = f"{values[-1]}\n{text}".strip()
        elif text:
            values.append(text)
    return [value or _EMPTY for value in values] or [_EMPTY]


def _line(line: Line) -> str:
    if isinstance(line, str | Sketch):
        return escaped(line if isinstance(line, str) else line.text)
    return "".join(map(_part, line))


def _part(part: str | Moment | Link) -> str:
    match part:
        case Moment(unix):
            return f"<t:{int(unix)}:R>"
        case Link(label, url):
            return f"[{escaped(label)}]({url})"
        case _:
            return escaped(part)
