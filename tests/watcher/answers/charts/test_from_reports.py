"""Reports become charts whose points stand where what they tell of was."""

from __future__ import annotations

from whisperwatch.watcher.answers.charts.chart import Mark
from whisperwatch.watcher.answers.charts.from_capacity import from_capacity
from whisperwatch.watcher.answers.charts.from_reports import from_engagement, from_history, from_resources
from whisperwatch.watcher.insight.capacity import Capacity
from whisperwatch.watcher.insight.figures import Basis, Figure
from whisperwatch.watcher.insight.forecast import Reach
from whisperwatch.watcher.insight.leak import Leak
from whisperwatch.watcher.insight.outlook import Ahead, Resource
from whisperwatch.watcher.insight.performance import History, Trend
from whisperwatch.watcher.insight.resources import Resources
from whisperwatch.watcher.insight.starts import Start
from whisperwatch.watcher.insight.usage import Engagement

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
        (
            Start(AT - 7000, "1.4", release=False),
            Start(AT - 900, "1.5", release=True),
            Start(AT - 10, "1.5", release=False),
        ),
    )
    chart = from_history(report)
    assert (chart.title, chart.start, chart.end) == ("Performance, last 2 hours", AT - 2 * HOUR, AT)
    assert [(panel.title, panel.unit) for panel in chart.panels] == [
        ("Response time", "s"), ("Answers", "{message}/min"), ("Failures each 60 min", "{error}"),
    ]  # fmt: skip
    times, answers, failures = chart.panels
    assert [(line.name, line.points) for line in times.lines] == [
        ("P95", ((AT - 1.5 * HOUR, 3), (AT - HOUR / 2, None))),
        ("P50", ((AT - 1.5 * HOUR, 1), (AT - HOUR / 2, 2))),
    ]
    assert [value for _, value in answers.lines[0].points] == [2.0, None]
    assert [line.name for line in failures.lines] == ["errors", "commands"]
    assert chart.marks == (Mark(AT - 7000, "restart"), Mark(AT - 900, "1.5"), Mark(AT - 10, ""))


def test_resources() -> None:
    report = Resources(
        BASIS, NONE, NONE, NONE, NONE, {}, {}, {}, {}, NONE, NONE, NONE, (0.1,), (4e8,), (0.5,), (0.6,),
        (int(AT),), (),
    )  # fmt: skip
    chart = from_resources(report)
    assert (chart.title, chart.start, chart.end) == ("Resources, last 2 hours", AT - 2 * HOUR, AT)
    assert [(panel.unit, [line.points[0] for line in panel.lines]) for panel in chart.panels] == [
        ("1", [(AT - HOUR, 0.1), (AT - HOUR, 0.5)]), ("By", [(AT - HOUR, 4e8)]), ("1", [(AT - HOUR, 0.6)]),
    ]  # fmt: skip


def test_engagement() -> None:
    users = {"day": (3, 5), "week": (8, 9), "month": (10, 11)}
    report = Engagement(
        BASIS,
        {},
        {},
        {},
        NONE,
        NONE,
        NONE,
        {},
        {},
        {},
        {},
        {},
        users,
        (4, None),
        (int(AT - HOUR), int(AT)),
        (),
    )
    active, conversations = from_engagement(report).panels
    assert [(line.name, [value for _, value in line.points]) for line in active.lines] == [
        ("7 days", [8, 9]), ("1 day", [3, 5]),
    ]  # fmt: skip
    assert conversations.title == "Conversations begun each 60 min"
    assert conversations.lines[0].points == ((AT - 1.5 * HOUR, 4), (AT - HOUR / 2, None))


def limited(
    name: str, *points: float | None, course: tuple[Ahead, ...] = (), full: Reach | None = None
) -> Resource:
    one = Figure(1.0)
    return Resource("disk", name, "", one, one, one, points, course=course, full=full)


def capacity(*resources: Resource) -> Capacity:
    calm = Leak("no leak", None, "", 0.0)
    return Capacity(BASIS, resources, calm, NONE, {}, (), (), HOUR, (int(AT - HOUR), int(AT)), ())


def test_capacity() -> None:
    ahead = (Ahead(HOUR, 0.6, 0.7, 0.8, "high"), Ahead(2 * HOUR, 0.8, 1.1, 1.4, "high"))
    disk = limited("Disk /", 0.5, 0.6, course=ahead, full=Reach(1.5 * HOUR, 2 * HOUR, None))
    chart = from_capacity(
        capacity(disk, limited("CPU", None, 0.2), *(limited(f"Pool {n}", 0.1, 0.1) for n in range(9)))
    )
    assert chart is not None
    assert (chart.start, chart.end) == (AT - 2 * HOUR, AT + 2 * HOUR)
    first, *others = chart.panels
    assert (first.title, first.unit, first.limit) == ("Disk /: full in 2 hours", "1", 1.0)
    # a point alone is no course, and a phone shows three
    assert [panel.title for panel in others] == ["Pool 0", "Pool 1"]
    (line,) = first.lines
    assert line.points == (
        (AT - 1.5 * HOUR, 0.5), (AT - HOUR / 2, 0.6), (AT + HOUR / 2, 0.7), (AT + 1.5 * HOUR, 1.0),
    )  # fmt: skip
    assert line.band == (None, None, (0.6, 0.8), (0.8, 1.0))
    assert others[0].lines[0].band == ()


def test_nothing_that_has_a_course() -> None:
    assert from_capacity(capacity(limited("CPU", None, 0.2))) is None


def test_a_report_without_points() -> None:
    empty = tuple(Trend(name, NONE, ()) for name in ("P50", "P95", "Answers", "Failed commands", "Errors"))
    chart = from_history(History(BASIS, empty, HOUR, (), ()))
    assert (chart.start, chart.end) == (BASIS.start, BASIS.end)
