"""Reports become charts whose points stand where what they tell of was."""

from __future__ import annotations

from whisperwatch.watcher.answers.charts.chart import Mark
from whisperwatch.watcher.answers.charts.from_reports import from_history, from_resources
from whisperwatch.watcher.insight.figures import Basis, Figure
from whisperwatch.watcher.insight.performance import History, Trend
from whisperwatch.watcher.insight.resources import Resources

from .samples import AT, HOUR

NONE = Figure()
BASIS = Basis(AT - 2 * HOUR, AT, "embedded")


def test_history() -> None:
    trends = {
        "P50": (1, 2),
        "P95": (3, None),
        "Answers": (120, None),
        "Failed commands": (0, 1),
        "Errors": (2, 3),
    }
    report = History(
        BASIS,
        tuple(Trend(name, NONE, points) for name, points in trends.items()),
        HOUR,
        (int(AT - HOUR), int(AT)),
    )
    chart = from_history(report, [Mark(AT - 10, "v2")])
    assert (chart.title, chart.start, chart.end) == ("Performance, last 2h", AT - 2 * HOUR, AT)
    assert [(panel.title, panel.unit) for panel in chart.panels] == [
        ("Response time", "s"), ("Answers", "{message}/min"), ("Failures each 1h", "{error}"),
    ]  # fmt: skip
    times, answers, failures = chart.panels
    assert [(line.name, line.points) for line in times.lines] == [
        ("P95", ((AT - 1.5 * HOUR, 3), (AT - HOUR / 2, None))),
        ("P50", ((AT - 1.5 * HOUR, 1), (AT - HOUR / 2, 2))),
    ]
    assert [value for _, value in answers.lines[0].points] == [2.0, None]
    assert [line.name for line in failures.lines] == ["errors", "commands"]
    assert chart.marks == (Mark(AT - 10, "v2"),)


def test_resources() -> None:
    report = Resources(
        BASIS, NONE, NONE, NONE, NONE, {}, {}, NONE, NONE, NONE, (0.1,), (4e8,), (int(AT),)
    )  # fmt: skip
    chart = from_resources(report)
    assert (chart.title, chart.start, chart.end) == ("Resources, last 2h", AT - 2 * HOUR, AT)
    assert [(panel.unit, panel.lines[0].points) for panel in chart.panels] == [
        ("1", ((AT - HOUR, 0.1),)), ("By", ((AT - HOUR, 4e8),)),
    ]  # fmt: skip


def test_a_report_without_points() -> None:
    empty = tuple(Trend(name, NONE, ()) for name in ("P50", "P95", "Answers", "Failed commands", "Errors"))
    chart = from_history(History(BASIS, empty, HOUR, ()))
    assert (chart.start, chart.end) == (BASIS.start, BASIS.end)
