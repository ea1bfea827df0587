"""Who answers what: each question of `whisperwatch.questions` has one function here that makes its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from whisperwatch.watcher.answers import embeds, health, terminal
from whisperwatch.watcher.answers.page import Page
from whisperwatch.watcher.health.report import Report

Arguments = Mapping[str, Any]
Teller = Callable[[Arguments], Awaitable[Page]]


class Answers:
    """Answers an ASK.

    Args:
        look: gives the health report.
        check: gives the page of `check`, which only the terminal asks for.
    """

    def __init__(
        self, look: Callable[[], Awaitable[Report]], check: Callable[[], Awaitable[Page]] | None = None
    ) -> None:
        self._look, self._check = look, check
        self.tellers: dict[str, Teller] = {"health": self._health}
        if check is not None:
            self.tellers["check"] = lambda _: check()

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

    async def _health(self, arguments: Arguments) -> Page:
        report = health.Health.from_json((await self._look()).as_json())
        return health.page(report, detailed=arguments.get("view") == "detailed")
