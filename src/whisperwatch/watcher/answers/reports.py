"""From a question's arguments to a report, and to its page or its JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.answers import (
    bottlenecks,
    capacity,
    memory_analysis,
    performance,
    places,
    spending,
    usage,
)
from whisperwatch.watcher.answers.asked_period import period
from whisperwatch.watcher.answers.charts.chart import Chart
from whisperwatch.watcher.answers.charts.from_capacity import from_capacity
from whisperwatch.watcher.answers.charts.from_reports import from_engagement, from_history, from_resources
from whisperwatch.watcher.answers.grafana import Linking, linked, nowhere
from whisperwatch.watcher.answers.page import Page
from whisperwatch.watcher.insight.plain import plain
from whisperwatch.watcher.insight.reports import REPORTS
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.settings.guide import Thresholds

Arguments = Mapping[str, Any]

_PAGES: Final[Mapping[str, Callable[[Any], Page]]] = {
    "performance-component": performance.component,
    "memory-analysis": memory_analysis.analysis,
    "bottlenecks": bottlenecks.page,
    "cost": spending.cost,
    "top": places.top,
    "cache": usage.caches,
    "memory": usage.memory,
}
_JUDGED: Final[Mapping[str, Callable[[Any, Thresholds], Page]]] = {
    "performance": performance.summary,
    "response-times": performance.response_times,
    "performance-history": performance.history,
    "resources": performance.resources,
    "capacity": capacity.planning,
    "engagement": usage.engagement,
}
"""Pages that say whether all is well."""
_CHARTS: Final[Mapping[str, Callable[[Any], Chart | None]]] = {
    "performance-history": from_history,
    "resources": from_resources,
    "capacity": from_capacity,
    "engagement": from_engagement,
}
_VIEWS: Final[Mapping[str, Mapping[Any, str]]] = {
    "performance": {
        None: "performance",
        "summary": "performance",
        "response-times": "response-times",
        "history": "performance-history",
        "component": "performance-component",
        "resources": "resources",
        "memory-analysis": "memory-analysis",
        "capacity-planning": "capacity",
        "bottlenecks": "bottlenecks",
    },
    "cost": {None: "cost"},
    "top": {None: "top"},
    "engagement": {None: "engagement"},
    "cache": {None: "cache"},
    "memory": {None: "memory", "status": "memory"},
}
"""By question and view, the report that answers it."""

Call = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""The name of something that only the bot's process can do, and its arguments."""


Off = Callable[[], str | None]
"""Why performance monitoring is off, a sentence; None while it is on."""


def on() -> None:
    """It is not off."""


async def nobody(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"error": "No bot is connected."}


class Reports:
    """Answers by what the stores know.

    Args:
        asking: asks them.
        call: has something done in a process of the bot.
        linking: where answers link to.
        thresholds: gives those of alerts.yaml.
        off: says so instead of what `performance` would show.
    """

    def __init__(
        self,
        asking: Asking,
        call: Call = nobody,
        linking: Linking = nowhere,
        thresholds: Callable[[], Thresholds] = Thresholds,
        off: Off = on,
    ) -> None:
        self._asking, self._call, self._off = asking, call, off
        self._linking, self._thresholds = linking, thresholds
        self.tellers: dict[str, Callable[[Arguments], Awaitable[Page]]] = {
            question: partial(self._tell, question) for question in _VIEWS
        }

    async def page(self, name: str, over_s: float, of: str) -> Page:
        """The page of a report of `REPORTS`."""
        with self._asking.together():
            report = await REPORTS[name].make(self._asking, over_s, of)
        page = _JUDGED[name](report, self._thresholds()) if name in _JUDGED else _PAGES[name](report)
        if (grafana := self._linking()) is not None:
            page = linked(page, grafana.board(name, of, over_s, page.at))
        return replace(page, chart=_CHARTS[name](report)) if name in _CHARTS else page

    async def json(self, question: str, arguments: Arguments) -> str:
        """The report that answers a question, as JSON.

        Raises:
            WrongWordsError: the question is none of a report, or its arguments are wrong.
        """
        name, of = report_of(question, arguments)
        over_s = period(arguments, REPORTS[name].over_s)
        if (reason := self._why_off(question)) is not None:
            return json.dumps({"off": reason}, indent=1)
        with self._asking.together():
            made = await REPORTS[name].make(self._asking, over_s, of)
        return json.dumps(plain(made), ensure_ascii=False, indent=1)

    def _why_off(self, question: str) -> str | None:
        return self._off() if question == "performance" else None

    async def _tell(self, question: str, arguments: Arguments) -> Page:
        if (reason := self._why_off(question)) is not None:
            return Page("Performance monitoring is off", (reason,), status="not_configured")
        if arguments.get("view") == memory_analysis.VIEW and (what := arguments.get("trace")) is not None:
            name = "trace_allocations" if what == "start" else "allocations"
            return memory_analysis.allocations(await self._call(name, {"seconds": memory_analysis.TRACED_S}))
        name, of = report_of(question, arguments)
        return await self.page(name, period(arguments, REPORTS[name].over_s), of)


def has_chart(question: str, arguments: Arguments) -> bool:
    """Whether a chart comes with what answers a question."""
    try:
        return report_of(question, arguments)[0] in _CHARTS
    except WrongWordsError:
        return False


def report_of(question: str, arguments: Arguments) -> tuple[str, str]:
    """The name of the report that answers a question, and what it is of ("" where it is of all).

    Raises:
        WrongWordsError: none does, or what it is of is missing, or too much.
    """
    views = _VIEWS.get(question)
    if views is None:
        raise WrongWordsError(f"{question:.40} is no report: there are {', '.join(_VIEWS)}")
    name = views.get(arguments.get("view"), views[None])
    known, of = REPORTS[name].of, arguments.get("name")
    if known and of not in known:
        raise WrongWordsError(f"{question} {arguments.get('view')} needs one of {', '.join(known)}")
    if of is not None and not known:
        raise WrongWordsError(f"{of} is a component: ask `performance component {of}`")
    return name, str(of or "")
