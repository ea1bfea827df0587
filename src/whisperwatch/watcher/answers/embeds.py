"""A page as embeds of Discord, within its limits: what doesn't fit is cut, and said to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from whisperwatch.watcher.answers.page import Line, Moment, Page, Section, symbol

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
_MORE: Final = "More than fits is left out."
_MARKDOWN = re.compile(r"([\\*_~`|<>\[\]#-])")


def embeds(page: Page) -> list[dict[str, Any]]:
    """The page as one embed."""
    made: dict[str, Any] = {
        "title": clipped(symbol(page.status) + escaped(page.title), TITLE),
        "color": COLOURS.get(page.status or "", _GREY),
    }
    if page.at is not None:
        made["timestamp"] = datetime.fromtimestamp(page.at, UTC).isoformat(timespec="milliseconds")
    footer = clipped(page.footer, FOOTER)
    left = ALL - length(made["title"]) - length(footer) - length(_MORE) - 3
    if description := clipped(_text(page.lines), min(DESCRIPTION, left)):
        made["description"] = description
    fields, complete = _fields(page.sections, left - length(description))
    if fields:
        made["fields"] = fields
    if not complete:
        footer = f"{footer} · {_MORE}" if footer else _MORE
    if footer:
        made["footer"] = {"text": footer}
    return [made]


def escaped(text: str) -> str:
    """Text that Discord shows as it is: a file's name keeps its underscores, nobody is mentioned."""
    return _MARKDOWN.sub(r"\\\1", text).replace("@", "@\u200b")


def clipped(text: str, longest: int) -> str:
    """No longer than that, with an ellipsis where something was cut."""
    if length(text) <= longest:
        return text
    cut = text.encode("utf-16-le")[: 2 * max(longest - 1, 0)].decode("utf-16-le", "ignore")
    return f"{cut.rstrip(chr(92))}…" if longest > 0 else ""


def length(text: str) -> int:
    """As Discord counts."""
    return len(text.encode("utf-16-le")) // 2


def _fields(sections: Sequence[Section], left: int) -> tuple[list[dict[str, Any]], bool]:
    made: list[dict[str, Any]] = []
    for section in sections:
        name = clipped(symbol(section.status) + escaped(section.title), FIELD_NAME).strip() or _EMPTY
        value = clipped(_text(section.lines), FIELD_VALUE).strip() or _EMPTY
        left -= length(name) + length(value)
        if left < 0 or len(made) == FIELDS:
            return made, False
        made.append({"name": name, "value": value, "inline": False})
    return made, True


def _text(lines: Sequence[Line]) -> str:
    return "\n".join(map(_line, lines))


def _line(line: Line) -> str:
    if isinstance(line, str):
        return escaped(line)
    return "".join(f"<t:{int(part.unix)}:R>" if isinstance(part, Moment) else escaped(part) for part in line)
