"""Rows under headings, as wide as the terminal allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from whisperwatch.terminal.paint import Paint, clean, cut, padded, width


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint, right: frozenset[int] = frozenset()
) -> Iterator[str]:
    """The lines of a table. Columns in `right` end flush; the widest ones are cut where there is no room."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(headings, *cleaned, strict=True)]
    _narrow(widths, paint.width)
    yield paint(_line(headings, widths, right), "bold")
    for row in cleaned:
        yield _line(row, widths, right)


def _narrow(widths: list[int], most: int | None) -> None:
    while most is not None and sum(widths) + 2 * (len(widths) - 1) > most and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1


def _line(cells: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    shown = [
        padded(cut(cell, columns), columns, right=at in right)
        for at, (cell, columns) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(shown).rstrip()
