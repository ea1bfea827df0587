"""Colours where a terminal shows them, and texts that can't move its cursor."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from typing import IO, Final

_CODES: Final = {
    "dim": "2",
    "bold": "1",
    "red": "31",
    "yellow": "33",
    "green": "32",
    "cyan": "36",
    "magenta": "35",
}
_CONTROL: Final = dict.fromkeys((*range(32), *range(127, 160)), "�") | {
    ord("\t"): " ",
    ord("\n"): " ⏎ ",
}


class Paint:
    """Paints for one stream; plain where it is no terminal, or NO_COLOR says so (https://no-color.org)."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        stream = stream or sys.stdout
        self.terminal = stream.isatty()
        self.coloured = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size((100, 24)).columns if self.terminal else None
        """Columns; None where lines may be as long as they are."""

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles."""
        if not self.coloured or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def clean(text: str) -> str:
    """A text on one line, without control characters."""
    return text.translate(_CONTROL)


def width(text: str) -> int:
    """The columns that a text takes."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, most: int | None) -> str:
    """A text of at most so many columns."""
    if most is None or width(text) <= most:
        return text
    kept, used = [], 0
    for letter in text:
        used += width(letter)
        if used > most - 1:
            break
        kept.append(letter)
    return "".join(kept) + "…"


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A text filled up with spaces."""
    space = " " * (columns - width(text))
    return space + text if right else text + space
