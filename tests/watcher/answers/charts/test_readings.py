"""What is written at lines: their newest values, and one peak."""

from __future__ import annotations

from whisperwatch.watcher.answers.charts.chart import Line, Panel
from whisperwatch.watcher.answers.charts.readings import highlight


def panel(*lines: tuple[float | None, ...]) -> Panel:
    points = (tuple((float(at), value) for at, value in enumerate(values)) for values in lines)
    return Panel("Response time", "s", tuple(Line(f"line {n}", some) for n, some in enumerate(points)))


def test_the_peak_is_marked() -> None:
    found = highlight(panel((1.0, 4.0, 2.0), (0.1, 0.9, 0.2)))
    assert found is not None
    assert (found.text, found.at, found.value) == ("4 s", 1.0, 4.0)


def test_none_where_the_newest_is_much_like_it() -> None:
    assert highlight(panel((1.0, 2.2, 2.0))) is None
    assert highlight(panel((None,))) is None


def test_a_line_far_below_the_peak_has_none() -> None:
    assert highlight(panel((1.0, 2.0, 4.0), (0.1, 0.9, 0.2))) is None
