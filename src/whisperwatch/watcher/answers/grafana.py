"""Links from answers into Grafana: the dashboard, the trace, the logs that an answer is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlencode

from whisperwatch.watcher.answers.page import Link, Page, Section
from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.loki.rendering import logs

_LONGEST: Final = 900
"""A link that doesn't fit into a field of Discord's would be cut, and lead nowhere."""
_AROUND_S: Final = 300.0
"""Logs of a trace are looked for from so long before it until so long after."""
BOARDS: Final[Mapping[str, str]] = {
    "health": "overview",
    "performance": "commands",
    "response-times": "commands",
    "performance-history": "commands",
    "bottlenecks": "commands",
    "resources": "host",
    "memory-analysis": "host",
    "capacity": "host",
    "engagement": "engagement",
    "cost": "llm",
    "top": "commands",
    "cache": "memory",
    "memory": "memory",
}
"""By the name of the report, the dashboard that shows more of it."""
OF_COMPONENTS: Final[Mapping[str, str]] = {
    "llm": "llm",
    "database": "databases",
    "cache": "databases",
    "memory": "memory",
    "discord": "gateway",
    "network": "host",
    "tasks": "commands",
}


@dataclass(frozen=True, slots=True)
class Grafana:
    """Where it is, and what the bot is called there.

    Attributes:
        url: its address, without a slash at the end.
        service: the `service.name`.
        job: what Prometheus makes of it.
    """

    url: str
    service: str | None = None
    job: str | None = None

    def board(self, report: str, of: str = "", over_s: float | None = None, end: float | None = None) -> Link:
        """The dashboard of a report (`performance-component` is of a component), over the same time."""
        name = BOARDS.get(report) or OF_COMPONENTS[of]
        asked = {"var-service": self.job} if self.job else {}
        if over_s is not None and end is not None:
            asked |= {"from": _ms(end - over_s), "to": _ms(end)}
        return Link("Dashboard", f"{self.url}/d/whisperwatch-{name}?{urlencode(asked, quote_via=quote)}")

    def trace(self, trace_id: str, start: float, end: float) -> Link:
        """A trace, by its id."""
        return Link("Trace", self._explored("tempo", {"queryType": "traceql", "query": trace_id}, start, end))

    def logs_of(self, trace_id: str, start: float, end: float) -> Link:
        """The records of a trace."""
        found = self.logs(LogFilter(trace_id=trace_id), start - _AROUND_S, end + _AROUND_S)
        return replace(found, label="Its logs")

    def logs(self, filter: LogFilter, start: float, end: float) -> Link:
        """The records that fit."""
        query = {"queryType": "range", "expr": logs(filter, self.service)}
        return Link("Logs", self._explored("loki", query, start, end))

    def _explored(self, source: str, query: Mapping[str, str], start: float, end: float) -> str:
        pane = {
            "datasource": source,
            "queries": [{"refId": "A", "datasource": {"type": source, "uid": source}, **query}],
            "range": {"from": _ms(start), "to": _ms(end)},
        }
        panes = json.dumps({"a": pane}, separators=(",", ":"), ensure_ascii=False)
        return f"{self.url}/explore?schemaVersion=1&panes={quote(panes, safe=':,')}"


Linking = Callable[[], Grafana | None]
"""Where answers link to now; None: nowhere."""


def nowhere() -> Grafana | None:
    """No Grafana is set."""
    return None


def linked(page: Page, *links: Link) -> Page:
    """The page with links at its end, but for those that are too long."""
    lines = tuple((link,) for link in links if len(link.label) + len(link.url) <= _LONGEST)
    return replace(page, sections=(*page.sections, Section("In Grafana", lines))) if lines else page


def _ms(unix: float) -> str:
    return str(round(unix * 1000))
