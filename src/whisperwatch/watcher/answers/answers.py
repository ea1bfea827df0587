"""Who answers what: each question of `whisperwatch.questions` has one function here that makes its page."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from whisperwatch.questions import SUGGEST, WrongWordsError
from whisperwatch.watcher.answers import check, embeds, health, terminal
from whisperwatch.watcher.answers.charts.chart import packed
from whisperwatch.watcher.answers.charts.patience import Draw
from whisperwatch.watcher.answers.charts.process import ChartError
from whisperwatch.watcher.answers.config import Config
from whisperwatch.watcher.answers.grafana import Linking, linked, nowhere
from whisperwatch.watcher.answers.page import Attachment, Button, Page, Section, remarks, unsketched
from whisperwatch.watcher.answers.records import Records
from whisperwatch.watcher.answers.reports import Call, Off, Reports, nobody, on
from whisperwatch.watcher.asked import failure
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import QuestionError
from whisperwatch.watcher.settings.guide import Thresholds

_PICTURE: Final = "chart.png"
_SKETCHED: Final = "sketched"
"""The argument with which the further pages of an answer are asked for that has no picture on its first."""
_PICTURE_S: Final = 5.0
"""The text is there in a moment: a picture that takes longer is left out."""
_WITH_PICTURE_S: Final = 8.5
"""An answer with its picture: nobody waits much longer, so after a store that was slow there is less time to draw."""
_BACK: Final = "◀"
_ON: Final = "▶"
Arguments = Mapping[str, Any]
Teller = Callable[[Arguments], Awaitable[Page]]


def told(page: Page, question: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """An ANSWER: of an answer that goes on, the part that `arguments` ask for, with buttons to the others."""
    leaves = embeds.embeds(page)
    if any(file.name == _PICTURE for file in page.files):
        leaves[0]["image"] = {"url": f"attachment://{_PICTURE}"}
    number = min(max(_whole(arguments.get("page")), 1), len(leaves))
    again = {name: value for name, value in (page.again or arguments).items() if name not in ("page", "by")}
    buttons = [
        Button(label, {**again, "page": to}, disabled=not 1 <= to <= len(leaves))
        for label, to in ((_BACK, number - 1), (_ON, number + 1))
        if len(leaves) > 1
    ]
    return {
        "embeds": [leaves[number - 1]],
        "text": terminal.text(page, None if "by" in arguments else terminal.WIDTH),
        "status": page.status,
        "error": None,
        "files": [(file.name, file.content) for file in page.files] if number == 1 else [],
        "buttons": [
            {
                "label": button.label,
                "question": button.question or question,
                "arguments": dict(button.arguments),
                "disabled": button.disabled,
            }
            for button in (*buttons, *page.buttons)
        ],
    }


async def _pictured(
    page: Page,
    question: str,
    arguments: dict[str, Any],
    draw: Callable[[], Awaitable[bytes]],
) -> dict[str, Any]:
    """For Discord, with what is said `instead` where the picture may not be posted; only that, if it can't be drawn."""
    sketched = {**arguments, _SKETCHED: True}
    files = page.files
    if _whole(arguments.get("page")) == 1:
        try:
            files += (Attachment(_PICTURE, await draw()),)
        except ChartError as error:
            sections = (*page.sections, *remarks([], [str(error)]))
            return told(replace(page, sections=sections), question, sketched)
    shown = told(replace(unsketched(page), files=files), question, arguments)
    return {**shown, "instead": told(page, question, sketched)}


def is_pictured(arguments: Arguments) -> bool:
    """Whether who asks gets charts as pictures: in Discord, but where they may not be posted."""
    return "by" in arguments and not arguments.get(_SKETCHED)


def _whole(given: Any) -> int:
    return given if isinstance(given, int) else 1


class Answers:
    """Answers an ASK.

    Args:
        tell: gives the health report as `/health/detailed` has it, or {"off": why}.
        sources: the bots' processes.
        costs: gives what telemetry costs, as sections of a page.
        asking: asks the stores.
        config: tells of the settings.
        call: has something done in a process of the bot.
        draw: makes PNG pictures of charts; None where none can be made.
        linking: where answers link to.
        thresholds: gives those of alerts.yaml.
        performance_off: why performance monitoring is off; None while it is on.
    """

    def __init__(
        self,
        tell: Callable[[], Awaitable[Mapping[str, Any]]],
        sources: Callable[[], Sequence[check.Source]] = tuple,
        costs: Callable[[], Iterable[Section]] = tuple,
        asking: Asking | None = None,
        config: Config | None = None,
        call: Call = nobody,
        draw: Draw | None = None,
        linking: Linking = nowhere,
        thresholds: Callable[[], Thresholds] = Thresholds,
        performance_off: Off = on,
    ) -> None:
        self._tell, self._sources, self._costs = tell, sources, costs
        self.tellers: dict[str, Teller] = {"health": self._health, "check": self._check}
        self._reports: Reports | None = None
        self._records: Records | None = None
        if asking is not None:
            self._reports = Reports(asking, call, linking, thresholds, performance_off)
            self._records = Records(asking, linking)
            self.tellers |= self._reports.tellers | self._records.tellers
        self._config, self._draw, self._linking = config, draw, linking
        if config is not None:
            self.tellers |= config.tellers

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER's dict."""
        if question == SUGGEST and self._config is not None:  # the bot asks, while a slash command is typed
            return {"words": await self._config.suggest(), "error": None}
        teller = self.tellers.get(question)
        if teller is None:
            return failure(
                f"This watcher does not know the question {question!r:.40}: it and who asks run different versions"
            )
        begun = time.monotonic()
        try:
            if arguments.get("form") == "json":
                return await self._json(question, arguments)
            page = await teller(arguments)
        except (WrongWordsError, QuestionError) as error:
            return failure(str(error))
        if page.chart is not None and arguments.get("form") == "chart":
            return {**told(unsketched(page), question, arguments), "chart": packed(page.chart)}
        if self._draw is None or not is_pictured(arguments):
            return told(page, question, arguments)
        if page.chart is None or page.chart.is_empty():
            return told(page, question, arguments)
        wait_s = min(_PICTURE_S, _WITH_PICTURE_S - (time.monotonic() - begun))
        return await _pictured(page, question, arguments, partial(self._draw, page.chart, wait_s))

    async def shown(self, report: str, arguments: Arguments) -> terminal.Shown:
        """A report's page, as a terminal shows it.

        Raises:
            QuestionError: there is no store.
        """
        if self._reports is None:
            raise QuestionError("there is no store")
        return terminal.shown(await self._reports.page(report, arguments["over_s"], arguments["of"]))

    async def _json(self, question: str, arguments: Arguments) -> dict[str, Any]:
        """For programs, that ask from a terminal."""
        if question == "health":
            told = await self._tell()
            text, status = json.dumps(told, indent=1), told.get("status")
        elif self._reports is None or self._records is None:
            return failure("There is no store that could be asked.")
        elif question in self._records.tellers:
            text, status = await self._records.json(question, arguments), None
        else:
            text, status = await self._reports.json(question, arguments), None
        return {"embeds": [], "text": text, "status": status, "error": None}

    async def _check(self, _: Arguments) -> Page:
        """Only the terminal asks for this."""
        detailed = await self._health({"view": "detailed"})
        return check.page(detailed, list(check.findings(self._sources())), list(self._costs()))

    async def _health(self, arguments: Arguments) -> Page:
        told = await self._tell()
        if "off" in told:
            return health.off(str(told["off"]))
        page = health.page(health.Health.from_json(told), detailed=arguments.get("view") == "detailed")
        return page if (grafana := self._linking()) is None else linked(page, grafana.board("health"))
