"""What answers questions, put together: the stores, the settings and their changes, pictures, links, the report API.

`question_desk` imports it when somebody asks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from starlette.routing import Route

from whisperwatch.semconv import SECURITY_BY, SECURITY_TARGET
from whisperwatch.state import hash_id
from whisperwatch.watcher.answers import Answers
from whisperwatch.watcher.answers.answers import is_pictured
from whisperwatch.watcher.answers.charts.artist import Artist
from whisperwatch.watcher.answers.charts.patience import Patience
from whisperwatch.watcher.answers.config import Config
from whisperwatch.watcher.answers.grafana import Grafana
from whisperwatch.watcher.answers.reports import has_chart
from whisperwatch.watcher.answers.telemetry import sections
from whisperwatch.watcher.material import Material
from whisperwatch.watcher.pipeline.resource import SERVICE_NAME
from whisperwatch.watcher.query.choosing import Stores
from whisperwatch.watcher.query.prometheus.selectors import job_of
from whisperwatch.watcher.settings.guide import Thresholds
from whisperwatch.watcher.siem.own import security_log
from whisperwatch.watcher.web.api import Api

_CHANGE: Final = "admin.config"
"""The kind of security event that a change of a setting is."""
_STORE_PATIENCE_S: Final = 7.0
"""Who asks in Discord is told what the other stores know before their patience ends."""
_logger = logging.getLogger("whisperwatch")


class Answering:
    """Answers what bots, terminals and the report API ask."""

    def __init__(self, of: Material) -> None:
        current, receiver = of.current, of.receiver
        self._current, self._receiver = current, receiver
        self._redactor, self._pipeline, self._own = of.redactor, of.pipeline, of.own
        self._stores = Stores(lambda: current.settings, of.readers, _STORE_PATIENCE_S)
        self._artist = Artist(of.state.path)
        self._answers = Answers(
            of.tell_health,
            lambda: receiver.sources,
            lambda: sections(of.cost.cost(), current.settings),
            self._stores.asking,
            Config(of.configuration, partial(hash_id, of.key), self._audit),
            self._call,
            Patience(self._artist.draw) if self._artist.available() else None,
            self._grafana,
            lambda: current.settings.group(Thresholds),
            self._performance_off,
        )

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER to an ASK."""
        if is_pictured(arguments) and has_chart(question, arguments):
            self._artist.prepare()
        return await self._answers.answer(question, arguments)

    def routes(self, token: str) -> Sequence[Route]:
        """The report API's, for who shows the token."""
        clean = partial(self._redactor.value, "")
        return Api(self._stores.asking, token, self._answers.shown, clean).routes()

    async def close(self) -> None:
        """Answer no more."""
        await self._artist.close()
        await self._stores.close()

    async def _audit(self, outcome: str, setting: str, by: str) -> None:
        """A bot's process records it, where the other security events are; without one the watcher does."""
        _logger.warning("the setting %.80s is changed by %s: %s", setting, by, outcome)
        attributes = {SECURITY_TARGET: setting[:80], SECURITY_BY: by}
        event = {"kind": _CHANGE, "outcome": outcome, "attributes": attributes}
        if "error" in await self._call("audit", event) and self._current.settings.logs.enabled:
            self._pipeline.add_logs(self._own, [security_log(_CHANGE, outcome, attributes)], 0)

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Of the first process that is there."""
        for source in self._receiver.sources:
            if source.connected:
                return await self._receiver.calls.call(source, name, arguments)
        return {"error": "No bot is connected."}

    def _performance_off(self) -> str | None:
        by = self._current.settings.off_by("PERFORMANCE_MONITORING_ENABLED")
        return by and f"Performance monitoring is {by}."

    def _grafana(self) -> Grafana | None:
        settings = self._current.settings
        if (url := settings.grafana) is None:
            return None
        named = {**dict(settings.service.attributes), SERVICE_NAME: self._own.resource.get(SERVICE_NAME)}
        return Grafana(url, named[SERVICE_NAME], None if settings.match else job_of(named))
