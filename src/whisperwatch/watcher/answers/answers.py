"""Who answers what: each question of `whisperwatch.questions` has one function here that makes its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from whisperwatch.questions import WrongWordsError
from whisperwatch.watcher.answers import check, embeds, health, terminal
from whisperwatch.watcher.answers.config import Config
from whisperwatch.watcher.answers.page import Page, Section
from whisperwatch.watcher.answers.records import Records
from whisperwatch.watcher.answers.reports import Reports
from whisperwatch.watcher.asked import failure
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import QuestionError

Arguments = Mapping[str, Any]
Teller = Callable[[Arguments], Awaitable[Page]]


class Answers:
    """Answers an ASK.

    Args:
        tell: gives the health report as `/health/detailed` has it, or {"off": why}.
        sources: the bots' processes.
        costs: gives what telemetry costs, as sections of a page.
        asking: asks the stores.
        config: tells of the settings.
    """

    def __init__(
        self,
        tell: Callable[[], Awaitable[Mapping[str, Any]]],
        sources: Callable[[], Sequence[check.Source]] = tuple,
        costs: Callable[[], Iterable[Section]] = tuple,
        asking: Asking | None = None,
        config: Config | None = None,
    ) -> None:
        self._tell, self._sources, self._costs = tell, sources, costs
        self.tellers: dict[str, Teller] = {"health": self._health, "check": self._check}
        if asking is not None:
            self.tellers |= Reports(asking).tellers | Records(asking).tellers
        if config is not None:
            self.tellers |= config.tellers

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER's dict."""
        teller = self.tellers.get(question)
        if teller is None:
            return failure(
                f"This watcher does not know the question {question!r:.40}: it and who asks run different versions"
            )
        try:
            page = await teller(arguments)
        except (WrongWordsError, QuestionError) as error:
            return failure(str(error))
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
        told = await self._tell()
        if "off" in told:
            return health.off(str(told["off"]))
        return health.page(health.Health.from_json(told), detailed=arguments.get("view") == "detailed")
