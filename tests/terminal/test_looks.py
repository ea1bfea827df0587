"""How things look in a terminal: numbers, bars, tables, and nothing that moves the cursor."""

from __future__ import annotations

import io

import pytest

from whisperwatch.terminal.paint import Paint, clean, cut, padded, width
from whisperwatch.terminal.table import table
from whisperwatch.watcher.answers.numbers import bars, number


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0, "s", "0 s"), (0.00042, "s", "420 µs"), (0.34, "s", "340 ms"), (1.25, "s", "1.25 s"),
        (150, "s", "2.5 min"), (9000, "s", "2.5 h"), (1_234_000, "By", "1.23 MB"), (12, "By", "12 B"),
        (0.041, "1", "4.1 %"), (12.0, "1", "12"), (1234567, "{error}", "1,234,567"), (0.25, "{error}/s", "0.25/s"),
        (1234.5, "{x}", "1,234"), (-3, "{guild}", "-3"),
    ],
)  # fmt: skip
def test_numbers_have_their_unit(value: float, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


def test_bars() -> None:
    assert bars([0, 1, 2, 4]) == "▁▃▅█"
    assert bars([3, None, 3]) == "█ █"
    assert bars([0, 0]) == "▁▁"
    assert bars([-1, 1]) == "▁█"


def test_nothing_moves_the_cursor() -> None:
    assert clean("a\x1b[2Jb\rc\x07\x9b1m\td\ne") == "a�[2Jb�c��1m d ⏎ e"


def test_widths() -> None:
    assert width("naïve 日本") == 10
    assert width("e\u0301") == 1
    assert cut("日本語テキスト", 5) == "日本…"
    assert padded("日", 4, right=True) == "  日"


def test_a_table_fits_and_cuts_what_is_widest() -> None:
    paint = Paint(io.StringIO())
    paint.width = 30
    lines = list(table(("name", "value"), [("a" * 50, "1"), ("b", "22")], paint, frozenset({1})))
    assert all(width(line) <= 30 for line in lines)
    assert lines[0].startswith("name")
    assert lines[1].endswith("…      1")
    assert lines[2].endswith("   22")


def test_no_colour_where_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Paint(Terminal())("x", "red") == "\x1b[31mx\x1b[0m"
    assert Paint(io.StringIO())("x", "red") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paint(Terminal())("x", "red") == "x"
