"""`performance`: reports of speed and resources as pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from whisperwatch.watcher.answers import verdicts
from whisperwatch.watcher.answers.figures import UNKNOWN, named, page, shown, spark
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section, Sketch
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.performance import Component, History, Performance, Times
from whisperwatch.watcher.insight.resources import Resources
from whisperwatch.watcher.settings.guide import Thresholds

_TITLES: Final = {"llm": "LLM"}
"""Of components that aren't just called by their names."""
_PARTS: Final = {
    "gen_ai.request.model": "models", "db.operation.name": "operations", "bot.memory.operation": "operations",
    "url.template": "routes", "server.address": "servers", "discord.task.name": "tasks",
}  # fmt: skip
"""What a component's parts are, by the attribute that tells them apart."""


def summary(report: Performance, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """The verdict, five numbers, and where the time goes."""
    judged = verdicts.speed(report.response.p95, thresholds, report.error_rate)
    lines: tuple[Line, ...] = (_verdict(report.response), *verdicts.told(judged))
    if report.response.p50.value is not None:
        lines += (_quantiles(report.response),)
    if report.handled.value is not None:
        rate = Figure(report.handled.value / report.basis.over_s * 60, "{message}/min")
        lines += (
            f"{named('Answers', report.handled)}, {_of(rate)} a minute",
            f"{named('Failed', _or_none(report.failed))}, {shown(report.error_rate)} of them",
        )
    return page(
        "Performance",
        report.basis,
        lines,
        (*_section("By component", report.components, titled), *_commands(report)),
        verdicts.status(judged),
    )


def response_times(report: Performance, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """Quantiles of everything."""
    judged = verdicts.speed(report.response.p95, thresholds)
    sections = [
        Section(titled(one.name), (_quantiles(one), named("Calls", one.count))) for one in report.components
    ]
    return page(
        "Response times",
        report.basis,
        (_verdict(report.response), *verdicts.told(judged), _quantiles(report.response)),
        (*sections, *_commands(report)),
        verdicts.status(judged),
    )


def component(report: Component) -> Page:
    """One component, and what of it takes longest."""
    times = report.times
    what = f"Performance of {titled(times.name)}"
    if not times.count.value:
        return page(what, report.basis, ("Nothing was recorded of it in this time.",))
    lines = (
        f"Half of all calls took up to {_of(times.p50)}, 95 of 100 up to {_of(times.p95)}.",
        _quantiles(times),
        named("Calls", times.count),
        named("Errors", _or_none(report.errors)),
    )
    return page(what, report.basis, lines, tuple(_section(f"Slowest {_PARTS[report.by]}", report.parts)))


def history(report: History, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """Figures over time."""
    judged = verdicts.speed(report.whole("P95"), thresholds)
    known = [trend for trend in report.trends if trend.whole.value is not None]
    if not known:
        return page("Performance", report.basis, ("Nothing was recorded in this time.",))
    whole: list[Line] = []
    for one in known:
        whole += [named(one.name, one.whole), *spark(one.points, one.whole.unit)]
    each = Sketch(f"A bar for each {number(report.step_s, 's')}.")
    sections = (Section("The whole time", (*whole, each)),)
    lines = (_went(report), *verdicts.told(judged))
    return page("Performance", report.basis, lines, sections, verdicts.status(judged))


def resources(report: Resources, thresholds: Thresholds = verdicts.DEFAULT) -> Page:
    """What the bot takes, and what is left."""
    judged = verdicts.use(report.host_cpu, report.host_memory, report.disks, thresholds)
    process: tuple[Line, ...] = (
        named("CPU", report.cpu),
        *spark(report.cpu_trend, "1"),
        named("Memory, at most", report.memory),
        *spark(report.memory_trend, "By"),
        named("Threads", report.threads),
    )
    disks = [named(f"Disk {place}", used) for place, used in report.disks.items()]
    flows = {f"Disk, {direction}": rate for direction, rate in report.disk_io.items()}
    flows |= {f"Network, {direction}": rate for direction, rate in report.network.items()}
    loads = [_of(one) for one in report.loads.values() if one.value is not None]
    host: tuple[Line, ...] = (
        named("CPU", report.host_cpu),
        *spark(report.host_cpu_trend, "1"),
        f"Load over 1, 5 and 15 minutes: {', '.join(loads) or UNKNOWN}",
        named("Memory", report.host_memory),
        *spark(report.host_memory_trend, "1"),
        *disks,
        *(f"{named(name, Figure(rate.value, 'By', rate.before))} a second" for name, rate in flows.items()),
    )
    loop = (named("P99 of its lag", report.lag), named("P99 of the garbage collector's pauses", report.pause))
    sections = (
        Section("The bot's process", process),
        Section("Its machine or container", host),
        Section("Its event loop", loop),
    )
    lines = (_tightest(report), *verdicts.told(judged))
    return page("Resources", report.basis, lines, sections, verdicts.status(judged))


def _verdict(response: Times) -> str:
    if response.p50.value is None or response.p95.value is None:
        return "Nothing was answered in this time."
    return (
        f"Half of all answers came within {number(response.p50.value, 's')}, 95 of 100 within "
        f"{number(response.p95.value, 's')}."
    )


def _went(report: History) -> str:
    whole = {trend.name: trend.whole for trend in report.trends}
    answers, p95 = (whole[name].value if name in whole else None for name in ("Answers", "P95"))
    if answers is None or p95 is None:
        return "Nothing was answered in this time."
    return f"{number(answers, '')} answers, 95 of 100 within {number(p95, 's')}."


def _tightest(report: Resources) -> str:
    used = {"the CPU": report.host_cpu, "the memory": report.host_memory}
    used |= {f"the disk {place}": figure for place, figure in report.disks.items()}
    known = {name: figure.value for name, figure in used.items() if figure.value is not None}
    if not known:
        return "What is in use is not known."
    name = max(known, key=known.__getitem__)
    return f"Nothing is nearer its limit than {name}: {number(known[name], '1')} in use."


def _quantiles(times: Times) -> str:
    return " · ".join(
        named(name, one) for name, one in (("P50", times.p50), ("P95", times.p95), ("P99", times.p99))
    )


def _commands(report: Performance) -> Iterator[Section]:
    yield from _section("Slowest commands", report.commands)


def _section(
    title: str, all_times: Sequence[Times], called: Callable[[str], str] = lambda name: name or "unnamed"
) -> Iterator[Section]:
    lines: list[Line] = [
        f"{called(one.name)}: P95 {shown(one.p95)}, {_of(one.count)} calls" for one in all_times
    ]
    if lines:
        yield Section(title, tuple(lines))


def titled(component: str) -> str:
    """A component's name at the beginning of a line: `LLM`."""
    return _TITLES.get(component) or component.capitalize()


def _of(figure: Figure) -> str:
    return UNKNOWN if figure.value is None else number(figure.value, figure.unit)


def _or_none(figure: Figure) -> Figure:
    """Errors that nobody has counted yet are none: the component worked."""
    return Figure(0.0, figure.unit) if figure.value is None else figure
