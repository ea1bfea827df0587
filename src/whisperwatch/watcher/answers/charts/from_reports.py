"""Reports as charts. A point stands in the middle of the time that it tells of, so that releases stand right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel
from whisperwatch.watcher.answers.figures import title
from whisperwatch.watcher.insight.figures import Basis
from whisperwatch.watcher.insight.performance import History
from whisperwatch.watcher.insight.resources import Resources
from whisperwatch.watcher.insight.usage import Engagement
from whisperwatch.watcher.query.language.printing import seconds

_MINUTE_S: Final = 60.0
Values = Sequence[float | None]


def from_history(report: History, marks: Sequence[Mark] = ()) -> Chart:
    """Response times, answers a minute and failures."""
    steps = Steps(report.basis, report.times)
    found = {trend.name: trend.points for trend in report.trends}
    rate = [None if count is None else count / steps.each_s * _MINUTE_S for count in found["Answers"]]
    return steps.chart(
        "Performance",
        (
            Panel("Response time", "s", (steps.line("P95", found["P95"]), steps.line("P50", found["P50"]))),
            Panel("Answers", "{message}/min", (steps.line("Answers", rate),)),
            Panel(
                f"Failures each {seconds(steps.each_s)}",
                "{error}",
                (steps.line("errors", found["Errors"]), steps.line("commands", found["Failed commands"])),
            ),
        ),
        marks,
    )


def from_resources(report: Resources, marks: Sequence[Mark] = ()) -> Chart:
    """CPU and memory of the bot's process."""
    steps = Steps(report.basis, report.times)
    return steps.chart(
        "Resources",
        (
            Panel("CPU of the bot's process", "1", (steps.line("CPU", report.cpu_trend),)),
            Panel("Memory of the bot's process", "By", (steps.line("memory", report.memory_trend),)),
        ),
        marks,
    )


def from_engagement(report: Engagement, marks: Sequence[Mark] = ()) -> Chart:
    """Active users, and the conversations that were begun."""
    steps = Steps(report.basis, report.times)
    week, day = (report.users_trend[window] for window in ("week", "day"))
    return steps.chart(
        "Engagement",
        (
            Panel("Active users", "{user}", (steps.line("7 days", week), steps.line("1 day", day))),
            Panel(
                f"Conversations begun each {seconds(steps.each_s)}",
                "{conversation}",
                (steps.line("conversations", report.conversations_trend),),
            ),
        ),
        marks,
    )


class Steps:
    """The times of a report's points, by their ends (unix seconds). `each_s` is how long (seconds) one is."""

    def __init__(self, basis: Basis, ends: Sequence[int]) -> None:
        self._basis, self._ends = basis, ends
        self.each_s = ends[1] - ends[0] if len(ends) > 1 else basis.over_s

    @property
    def middles(self) -> list[float]:
        """Where the points stand."""
        return [end - self.each_s / 2 for end in self._ends]

    def line(self, name: str, values: Values) -> Line:
        """The values over these times."""
        return Line(name, tuple(zip(self.middles, values, strict=True)))

    def chart(
        self, what: str, panels: tuple[Panel, ...], marks: Sequence[Mark], ahead_s: float = 0.0
    ) -> Chart:
        """Over the time of the points, and so much longer."""
        start, end = self._basis.start, self._basis.end
        if self._ends:
            start, end = self._ends[0] - self.each_s, float(self._ends[-1])
        return Chart(title(what, self._basis), start, end + ahead_s, panels, tuple(marks))
