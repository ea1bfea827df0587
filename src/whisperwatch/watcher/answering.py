"""What answers questions, put together: the stores, the settings and their changes, pictures, links, the report API."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.routing import Route

from whisperwatch.semconv import SECURITY_BY, SECURITY_TARGET
from whisperwatch.state import StateDirectory, hash_id
from whisperwatch.watcher.answers import Answers
from whisperwatch.watcher.answers.charts.artist import Artist
from whisperwatch.watcher.answers.charts.patience import Patience
from whisperwatch.watcher.answers.config import Config
from whisperwatch.watcher.answers.grafana import Grafana
from whisperwatch.watcher.answers.telemetry import CostWatch, sections
from whisperwatch.watcher.configuration import Configuration
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.pipeline.resource import SERVICE_NAME
from whisperwatch.watcher.query.choosing import Stores
from whisperwatch.watcher.query.prometheus.selectors import job_of
from whisperwatch.watcher.receive import Receiver
from whisperwatch.watcher.records import LocalStream, Records
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings import Current
from whisperwatch.watcher.settings.guide import Thresholds
from whisperwatch.watcher.siem.own import security_log
from whisperwatch.watcher.store.reading import Readers
from whisperwatch.watcher.web.api import Api

_CHANGE: Final = "admin.config"
"""The kind of security event that a change of a setting is."""
_STORE_PATIENCE_S: Final = 7.0
"""Who asks in Discord is told what the other stores know before their patience ends."""
_logger = logging.getLogger("whisperwatch")


@dataclass(frozen=True, slots=True)
class Material:
    """What answers are made of.

    Attributes:
        readers: of the embedded store; None where there is none.
        receiver: knows the bots' processes.
        pipeline: takes what the watcher itself records.
        tell_health: gives the health report.
        streams: all that is measured.
        own: what the watcher says of itself.
    """

    readers: Readers | None
    receiver: Receiver
    pipeline: Pipeline
    tell_health: Callable[[], Awaitable[Mapping[str, Any]]]
    streams: Callable[[], Sequence[Records]]
    own: LocalStream


class Answering:
    """Answers what bots, terminals and the report API ask. `key` is of the id hashes: it names who asks."""

    def __init__(
        self, current: Current, state: StateDirectory, key: bytes, redactor: Redactor, of: Material
    ) -> None:
        self._current, self._redactor, receiver = current, redactor, of.receiver
        self._receiver, self._pipeline, self._own = receiver, of.pipeline, of.own
        self._stores = Stores(lambda: current.settings, of.readers, _STORE_PATIENCE_S)
        self._artist = Artist(state.path)
        self.configuration = Configuration(current, state.path, receiver.calls, redactor.value)
        self.cost = CostWatch(of.streams, of.own, lambda: receiver.log_characters)
        self._answers = Answers(
            of.tell_health,
            lambda: receiver.sources,
            lambda: sections(self.cost.cost(), current.settings),
            self._stores.asking,
            Config(self.configuration, partial(hash_id, key), self._audit),
            self._call,
            Patience(self._artist.draw) if self._artist.available() else None,
            self._grafana,
            lambda: current.settings.group(Thresholds),
        )

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER to an ASK."""
        return await self._answers.answer(question, arguments)

    def routes(self) -> Sequence[Route]:
        """The report API's."""
        token = self._current.settings.api.token
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

    def _grafana(self) -> Grafana | None:
        settings = self._current.settings
        if (url := settings.grafana) is None:
            return None
        named = {**dict(settings.service.attributes), SERVICE_NAME: self._own.resource.get(SERVICE_NAME)}
        return Grafana(url, named[SERVICE_NAME], None if settings.match else job_of(named))
