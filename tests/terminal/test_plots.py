"""Charts in a terminal, to the letter: what is measured, expected and not known, on any terminal."""

from __future__ import annotations

import io
import textwrap
from dataclasses import replace

import pytest
from tests.watcher.answers.charts.samples import AT, DAY, HOUR, forecast, history, line

from whisperwatch.terminal.canvas import Canvas
from whisperwatch.terminal.paint import Paint, width
from whisperwatch.terminal.plots import plots
from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel

PLAIN = Paint(io.StringIO())


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def plot(chart: Chart, columns: int = 60) -> str:
    return "\n".join(plots(chart, PLAIN, columns)) + "\n"


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def test_a_line_with_a_gap() -> None:
    times = [AT - HOUR + 300 * index for index in range(13)]
    values = [1.0, 2.0, 3.0, 2.0, None, None, 1.0, None, 1.0, 2.0, 2.0, 2.0, 3.0]
    chart = Chart("", AT - HOUR, AT, (Panel("Response time", "s", (line("P95", times, values),)),))
    assert plot(chart) == dedent("""
        14 Nov 21:13 to 22:13 UTC
        Response time
            │
            │
        3 s ┤       ⢀⠎⢆                                       ⢀⠞ 3 s
            │      ⡔⠁  ⠣⡀                                    ⡠⠃
            │    ⢀⠎     ⠑⡄                                  ⡔⠁
        2 s ┤   ⡰⠁       ⠈                        ⡰⠉⠉⠉⠉⠉⠉⠉⠉⠉
            │  ⡔⠁                               ⢀⠜
            │⢀⠎                                ⡠⠃
        1 s ┤⠊                        ⠶       ⠐⠁
            │
            │
        0 s ┤
            └─┬────────────┬───────────┬────────────┬───────────
             21:15       21:30       21:45        22:00
        """)


def test_a_forecast() -> None:
    assert plot(forecast()) == dedent("""
        31 Oct to 14 Dec UTC
        Disk /
              │
              │
              │                                  ░░░░░░░
        15 GB ┤                            ░░░░░░░░░░⣀░⢤ ≈ 15 GB
              │                       ░░░░░░░⣀░⠤░⠒░⠉░░░░
              │╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌⣀╌⡠╌⠤╌⠊╌⠉╌╌╌╌╌╌╌╌╌╌╌╌ limit 12 GB
        10 GB ┤            ⣀⡀⠤░⠒░⠉░░░░░░░░░
              │   ⣀⣀⠤⠤⠔⠒⠉⠉⠉  now 9 GB
         5 GB ┤⠊⠉⠉
              │
              │
          0 B ┤
              └───────┬────────────┬────────────┬───────
                    9 Nov       23 Nov        7 Dec
        """)


def test_several_panels_and_a_release() -> None:
    assert plot(history(), 72) == dedent("""
        13 Nov 22:13 to 14 Nov 22:13 UTC
                                                  ▾ v2.4.1
        Response time
            │              3 s                    ┊
            │       ⢀⣀⡠⠤⠤⠒⠒⠉⠉⠉⠉      ⢀⡀           ┊
            │  ⣀⠤⠔⠊⠉⠁                ⠈⠁   ⣀       ┊
        2 s ┤ ⠉                            ⠉⠉⠒⠤⢄⡀ ┊                ⣀⡀ P95 1.49 s
        1 s ┤                                   ⠈⠉⠑⠒⠢⠤⠤⣀⣀⣀⣀⣀⣀⡠⠤⠤⠒⠒⠉⠈⠁
            │ ⣀⡠⠤⠤⠤⠤⠔⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒      ⢠⡄   ⠤⢄⣀⣀⣀⣀  ┊
        0 s ┤                                   ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠑⠒⠊⠉⠉⠉⠉⠉⠉⠉⠙⠃ P50 373 ms
            └────┬─────────────┬─────────────┬────────────┬──────────
        Answers messages/min
            │               3                     ┊
            │       ⢀⣀⡠⠤⠤⠒⠒⠉⠉⠉⠉      ⢀⡀           ┊
            │  ⣀⠤⠔⠊⠉⠁                ⠈⠁   ⣀       ┊
          2 ┤ ⠉                            ⠉⠉⠒⠤⢄⡀ ┊                ⣀⡀ 1.49
          1 ┤                                   ⠈⠉⠑⠒⠢⠤⠤⣀⣀⣀⣀⣀⣀⡠⠤⠤⠒⠒⠉⠈⠁
            │                                     ┊
          0 ┤                                     ┊
            └────┬─────────────┬─────────────┬────────────┬──────────
        Failures each 1h
            │                                     ┊ 14
            │                                     ┊  ⡸⡀
         10 ┤                                     ┊ ⢀⠇⢇
            │                                     ┊ ⡸ ⠸⡀
          5 ┤                                     ┊⢀⠇  ⡇
            │     ⢀⡀     ⢀      ⢀      ⢀      ⣀   ┊⡸   ⢸    ⣀      ⣀⡀ 2
          0 ┤ ⠤⠔⠒⠊⠁⠈⠑⠤⠔⠒⠉⠁⠉⠒⠤⠔⠒⠉⠁⠉⠒⠤⠔⠒⠉⠁⠉⠒⠤⠔⠒⠉ ⠉⠒⠤⠔⠃    ⠧⠔⠒⠉ ⠉⠢⠤⠒⠒⠉⠈⠁
            └────┬─────────────┬─────────────┬────────────┬──────────
              14 Nov         06:00         12:00        18:00
        """)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 300])
@pytest.mark.parametrize("chart", [history(), forecast()], ids=["history", "forecast"])
def test_it_fits(chart: Chart, columns: int) -> None:
    assert max(map(width, plots(chart, PLAIN, columns))) <= columns


def test_nothing_was_recorded() -> None:
    for lines in ((), (Line("a", ((AT, None),)),)):
        chart = Chart("", AT - HOUR, AT, (Panel("Response time", "s", lines),))
        assert "Nothing was recorded in this time." in plot(chart)


def test_a_name_moves_no_cursor() -> None:
    wild = "\x1b[2J\r\n"
    lines = (line(wild, [AT - HOUR, AT], [1, 2]), line("b", [AT - HOUR, AT], [1, 2]))
    chart = Chart(wild, AT - HOUR, AT, (Panel(wild, "s", lines),), (Mark(AT - 60, wild),))
    assert not {"\x1b", "\r"} & set(plot(chart))


class TestColours:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)

    def test_in_a_terminal(self) -> None:
        drawn = list(plots(forecast(), Paint(Terminal()), 60))
        assert any("\x1b[31m╌" in row for row in drawn)
        assert any("\x1b[36m" in row for row in drawn)

    def test_where_nobody_wants_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert list(plots(forecast(), Paint(Terminal()), 60)) == list(plots(forecast(), PLAIN, 60))


def test_marks_beyond_the_chart_are_left_out() -> None:
    chart = history()
    far = replace(chart, marks=(Mark(chart.start - DAY, "old"), Mark(chart.end + DAY, "new")))
    assert plot(far) == plot(replace(chart, marks=()))


def test_a_canvas() -> None:
    canvas = Canvas(3, 2)
    canvas.write(1, 0, "ab far too long")
    canvas.dot(0, 0)
    canvas.dot(1, 3)
    canvas.dot(99, 99)
    canvas.line((0, 4), (5, 7))
    assert list(canvas.lines(PLAIN)) == ["⢁ab", "⠑⠢⢄"]
