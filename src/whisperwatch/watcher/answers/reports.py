"""From a question's arguments to a report and its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.answers import performance as performance_pages
from whisperwatch.watcher.answers import usage as usage_pages
from whisperwatch.watcher.answers.asked_period import period
from whisperwatch.watcher.answers.page import Page
from whisperwatch.watcher.insight import performance, resources, usage
from whisperwatch.watcher.query.asking import Asking

Arguments = Mapping[str, Any]
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0


class Reports:
    """Answers by what the stores know.

    Args:
        asking: asks them.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.tellers: dict[str, Callable[[Arguments], Awaitable[Page]]] = {
            "performance": self._performance,
            "engagement": self._engagement,
            "cache": self._cache,
            "memory": self._memory,
        }

    async def _performance(self, arguments: Arguments) -> Page:
        view, name = arguments.get("view"), arguments.get("name")
        if view != "component" and name is not None:
            raise WrongWordsError(f"{name} is a component: ask `performance component {name}`")
        over_s = period(arguments, _DAY_S if view == "history" else _HOUR_S)
        match view:
            case "history":
                return performance_pages.history(await performance.history(self._asking, over_s))
            case "resources":
                return performance_pages.resources(await resources.resources(self._asking, over_s))
            case "component":
                if not isinstance(name, str) or name not in performance.COMPONENTS:
                    known = ", ".join(performance.COMPONENTS)
                    raise WrongWordsError(f"performance component needs one of {known}")
                return performance_pages.component(await performance.component(self._asking, name, over_s))
        report = await performance.performance(self._asking, over_s)
        return performance_pages.response_times(report) if view else performance_pages.summary(report)

    async def _engagement(self, arguments: Arguments) -> Page:
        return usage_pages.engagement(await usage.engagement(self._asking, period(arguments, _DAY_S)))

    async def _cache(self, arguments: Arguments) -> Page:
        return usage_pages.caches(await usage.caches(self._asking, period(arguments, _DAY_S)))

    async def _memory(self, arguments: Arguments) -> Page:
        return usage_pages.memory(await usage.memory(self._asking, period(arguments, _DAY_S)))
