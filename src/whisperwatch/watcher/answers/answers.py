"""Who answers what: each question of `whisperwatch.questions` has one function here that makes its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from whisperwatch.watcher.answers import check, embeds, health, terminal
from whisperwatch.watcher.answers.page import Page, Section
from whisperwatch.watcher.health.report import Report

Arguments = Mapping[str, Any]
Teller = Callable[[Arguments], Awaitable[Page]]


class Answers:
    """Answers an ASK.

    Args:
        look: gives the health report.
        sources: the bots' processes.
        costs: gives what telemetry costs, as sections of a page.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[Report]],
        sources: Callable[[], Sequence[check.Source]] = tuple,
        costs: Callable[[], Iterable[Section]] = tuple,
    ) -> None:
        self._look, self._sources, self._costs = look, sources, costs
        self.tellers: dict[str, Teller] = {"health": self._health, "check": self._check}

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER's dict."""
        teller = self.tellers.get(question)
        if teller is None:
            error = f"This watcher does not know the question {question!r:.40}: it and who asks run different versions"
            return {"embeds": [], "text": error, "status": None, "error": error}
        page = await teller(arguments)
        return {
            "embeds": embeds.embeds(page),
            "text": terminal.text(page),
            "status": page.status,
            "error": None,
        }

    async def _check(self, _: Arguments) -> Page:
        """Only the terminal asks for this."""
        detailed = await self._health({"view": "detailed"})
        return check.page(detailed, list(check.findings(self._sources())), list(self._costs()))

    async def _health(self, arguments: Arguments) -> Page:
        report = health.Health.from_json((await self._look()).as_json())
        return health.page(report, detailed=arguments.get("view") == "detailed")
