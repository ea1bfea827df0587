"""Reports as charts. A point stands in the middle of the time that it tells of, so that releases stand right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from whisperwatch.watcher.answers.charts.chart import Chart, Line, Mark, Panel
from whisperwatch.watcher.answers.figures import title
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.insight.figures import Basis
from whisperwatch.watcher.insight.performance import History
from whisperwatch.watcher.insight.resources import Resources
from whisperwatch.watcher.insight.starts import Start
from whisperwatch.watcher.insight.usage import Engagement

_MINUTE_S: Final = 60.0
_AGAIN: Final = "restart"
_NEAR: Final = 0.2
"""Of a chart's time: where a restart is as near to a release, there is room for the release's name only."""
Values = Sequence[float | None]


def from_history(report: History) -> Chart:
    """Response times, answers a minute and failures."""
    steps = Steps(report)
    found = {trend.name: trend.points for trend in report.trends}
    rate = [None if count is None else count / steps.each_s * _MINUTE_S for count in found["Answers"]]
    return steps.chart(
        "Performance",
        (
            Panel("Response time", "s", (steps.line("P95", found["P95"]), steps.line("P50", found["P50"]))),
            Panel("Answers", "{message}/min", (steps.line("Answers", rate),)),
            Panel(
                f"Failures each {number(steps.each_s, 's')}",
                "{error}",
                (steps.line("errors", found["Errors"]), steps.line("commands", found["Failed commands"])),
            ),
        ),
    )


def from_resources(report: Resources) -> Chart:
    """CPU and memory of the bot's process and of its machine."""
    steps = Steps(report)
    return steps.chart(
        "Resources",
        (
            Panel(
                "CPU",
                "1",
                (steps.line("bot", report.cpu_trend), steps.line("machine", report.host_cpu_trend)),
            ),
            Panel("Memory of the bot's process", "By", (steps.line("memory", report.memory_trend),)),
            Panel("Memory of the machine", "1", (steps.line("memory", report.host_memory_trend),)),
        ),
    )


def from_engagement(report: Engagement) -> Chart:
    """Active users, and the conversations that were begun."""
    steps = Steps(report)
    week, day = (report.users_trend[window] for window in ("week", "day"))
    return steps.chart(
        "Engagement",
        (
            Panel("Active users", "{user}", (steps.line("7 days", week), steps.line("1 day", day))),
            Panel(
                f"Conversations begun each {number(steps.each_s, 's')}",
                "{conversation}",
                (steps.line("conversations", report.conversations_trend),),
            ),
        ),
    )


class Report(Protocol):
    """What has points in time."""

    @property
    def basis(self) -> Basis: ...
    @property
    def times(self) -> tuple[int, ...]: ...
    @property
    def starts(self) -> tuple[Start, ...]: ...


class Steps:
    """The times of a report's points. `each_s` is how long (seconds) one is."""

    def __init__(self, report: Report) -> None:
        self._report, ends = report, report.times
        self.each_s = ends[1] - ends[0] if len(ends) > 1 else report.basis.over_s

    @property
    def middles(self) -> list[float]:
        """Where the points stand."""
        return [end - self.each_s / 2 for end in self._report.times]

    def line(self, name: str, values: Values) -> Line:
        """The values over these times."""
        return Line(name, tuple(zip(self.middles, values, strict=True)))

    def chart(self, what: str, panels: tuple[Panel, ...], ahead_s: float = 0.0) -> Chart:
        """Over the time of the points and so much longer, with the bot's starts."""
        basis, ends = self._report.basis, self._report.times
        start, end = basis.start, basis.end
        if ends:
            start, end = ends[0] - self.each_s, float(ends[-1])
        marks = tuple(_marks(self._report.starts, (end + ahead_s - start) * _NEAR))
        return Chart(title(what, basis.over_s), start, end + ahead_s, panels, marks)


def _marks(starts: Sequence[Start], near_s: float) -> Iterator[Mark]:
    releases = [start.at for start in starts if start.release]
    for start in starts:
        alone = all(abs(start.at - at) > near_s for at in releases)
        yield Mark(start.at, start.version if start.release else _AGAIN if alone else "")
