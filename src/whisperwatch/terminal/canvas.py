"""Letters to draw on: each has two by four dots of braille, or something written, and one colour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from whisperwatch.terminal.paint import Paint

ACROSS: Final = 2
DOWN: Final = 4
"""Dots of a letter."""
_BLANK: Final = 0x2800
_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Of Unicode's braille patterns, by row and column."""


class Canvas:
    """Columns by rows of letters, from the top left. What is outside is left out.

    What is drawn later covers what was written before it, and is covered by what is written after it.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[(" ", "")] * columns for _ in range(rows)]

    def write(self, column: int, row: int, text: str, style: str = "") -> None:
        """A text from there to the right."""
        for at, letter in enumerate(text, column):
            if 0 <= at < self.columns and 0 <= row < self.rows:
                self._cells[row][at] = letter, style

    def dot(self, x: int, y: int, style: str = "") -> None:
        """One dot, counted in dots."""
        column, row = x // ACROSS, y // DOWN
        if 0 <= column < self.columns and 0 <= row < self.rows:
            letter = ord(self._cells[row][column][0])
            bits = letter - _BLANK if _BLANK <= letter < _BLANK + 256 else 0
            self._cells[row][column] = chr(_BLANK + (bits | _BITS[y % DOWN][x % ACROSS])), style

    def line(
        self, start: tuple[int, int], end: tuple[int, int], style: str = "", *, dashed: bool = False
    ) -> None:
        """From dot to dot; of a dashed one every other two are left out."""
        (x, y), (to_x, to_y) = start, end
        steps = max(abs(to_x - x), abs(to_y - y))
        for step in range(steps + 1):
            share = step / steps if steps else 0.0
            here = round(x + (to_x - x) * share), round(y + (to_y - y) * share)
            if not dashed or here[0] % 4 < 2:
                self.dot(*here, style)

    def lines(self, paint: Paint) -> Iterator[str]:
        """Each row, painted."""
        for row in self._cells:
            runs = groupby(row, key=itemgetter(1))
            text = "".join(paint(_text(run), *([style] if style else [])) for style, run in runs)
            yield text.rstrip()


def _text(run: Iterator[tuple[str, str]]) -> str:
    return "".join(letter for letter, _ in run)
