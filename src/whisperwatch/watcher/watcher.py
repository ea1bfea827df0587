"""The watcher: puts its parts together. The only place here that names concrete ones."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from whisperwatch.semconv import (
    LLM_BUDGET_COST,
    LLM_BUDGET_TOKENS,
    SECRET_KIND,
    SELF_REDACTED,
    SELF_REDACTION_FAILURES,
)
from whisperwatch.state import HASH_KEY, StateDirectory, hash_id, passing_key
from whisperwatch.watcher import doorway
from whisperwatch.watcher.answers.telemetry import CostWatch
from whisperwatch.watcher.configuration import Configuration
from whisperwatch.watcher.fleet_users import FleetUsers
from whisperwatch.watcher.health.judging import Components, Options
from whisperwatch.watcher.health.probes.prober import Timing
from whisperwatch.watcher.health.watch import HealthWatch
from whisperwatch.watcher.host import Figures
from whisperwatch.watcher.instances import Instances
from whisperwatch.watcher.material import Material
from whisperwatch.watcher.pipeline import Exposition, Pipeline
from whisperwatch.watcher.pipeline.kept import Kept
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.pipeline.resource import (
    INSTANCE_ID,
    SERVICE_NAME,
    bot_resource,
    watcher_resource,
)
from whisperwatch.watcher.question_desk import QuestionDesk
from whisperwatch.watcher.receive import Receiver
from whisperwatch.watcher.records import LocalStream, Records
from whisperwatch.watcher.redaction import Redactor
from whisperwatch.watcher.settings import Current, Settings
from whisperwatch.watcher.siem.siem import Siem
from whisperwatch.watcher.silences import Silences
from whisperwatch.watcher.source import Source
from whisperwatch.watcher.store.store import StoreState
from whisperwatch.watcher.user_counts import WINDOWS
from whisperwatch.watcher.users import ActiveUsers
from whisperwatch.watcher.web.app import app
from whisperwatch.watcher.web.health import Access
from whisperwatch.watcher.web.serving import Serving

_AFTER_GOODBYE_S = 2.0
_logger = logging.getLogger("whisperwatch")


class Watcher:
    """All parts of one watcher, in one event loop.

    Args:
        current: the settings.
        state: the state directory.
        say: told where it serves and what is wrong, where nobody's log is there for it.
    """

    def __init__(
        self, current: Current, state: StateDirectory, say: Callable[[str], None] | None = None
    ) -> None:
        settings = current.settings
        self.current, self.settings, self.state, self._say = current, settings, state, say
        self.problems = _told(settings)
        instances = Instances(state.path, dict(settings.service.attributes).get(INSTANCE_ID))
        key = self._key()
        self.redactor = self._make_redactor(key)
        self.own = LocalStream({})
        resource = watcher_resource(settings.service, instances.identity())
        self.own.resource |= self.redactor.attributes(resource)
        self.own.add(SELF_REDACTION_FAILURES, 0)
        self._show_budgets()
        redaction = Redaction(key, settings.export.expose_ids, self.redactor)
        self.kept = self._make_kept(redaction)
        sends = settings.siem.host and not settings.disabled
        self.siem = Siem(settings.siem, redaction, self.own) if sends else None
        self.pipeline = Pipeline(
            settings.export,
            key,
            self.streams,
            self.own,
            redactor=self.redactor,
            logs=settings.logs,
            kept=self.kept,
            siem=self.siem,
            spool=state.path and state.path / "spool",
        )
        self.figures = Figures(self.own, self.sources, filter(None, (state.path, Path.cwd())))
        problems = [problem.public for problem in settings.problems]
        self.serving = serving = Serving(settings.web, self._application)
        self.components = Components(
            self.streams, self.sources, _options(settings), self.own, lambda: serving.url
        )
        by = settings.off_by("HEALTH_CHECK_ENABLED")
        off = by and f"Health is {by}."
        self.health = HealthWatch(
            self.sources, problems, lambda: self.pipeline.state, self.components, off, self._store_state,
            siem=None if self.siem is None else self.siem.sender,
        )  # fmt: skip
        store = None if self.kept is None else self.kept.store
        self.users = ActiveUsers(
            store, partial(hash_id, key), self.own, _fleet_users(settings), older=state.users
        )
        self.receiver = Receiver(
            self.pipeline,
            instances,
            self._resource,
            self._welcome,
            self.own,
            self.figures.hurry,
            self.redactor,
            self._answer,
            self.users.saw,
        )
        self.configuration = Configuration(current, state.path, self.receiver.calls, self.redactor.value)
        self.cost = CostWatch(self.streams, self.own, lambda: self.receiver.log_characters)
        self.desk = QuestionDesk(
            Material(
                current, state, key, self.redactor, None if store is None else store.readers, self.receiver,
                self.pipeline, self._tell_health, self.configuration, self.cost, self.own,
            )
        )  # fmt: skip
        self._refused: list[str] = []
        current.subscribe(self._changed)

    def _key(self) -> bytes:
        try:
            return self.state.key()
        except (OSError, ValueError) as error:
            if not any(problem.name.startswith(HASH_KEY) for problem in self.settings.problems):
                self.problems.append(f"ids are hashed with a key that lasts as long as the watcher: {error}")
            return passing_key()

    def _show_budgets(self) -> None:
        models = self.settings.models
        for metric, most in (
            (LLM_BUDGET_TOKENS, models.token_budget),
            (LLM_BUDGET_COST, models.money_budget),
        ):
            if most is not None:
                self.own.set(metric, most)

    def _make_redactor(self, key: bytes) -> Redactor:
        privacy = self.settings.privacy
        redactor = Redactor(
            os.environ,
            privacy.redact,
            emails=not privacy.expose_emails,
            show_id=None if privacy.expose_ids else partial(hash_id, key),
            counted=lambda kind, times: self.own.add(SELF_REDACTED, times, {SECRET_KIND: kind}),
            failed=lambda: self.own.add(SELF_REDACTION_FAILURES, 1),
        )
        redactor.learn(self.settings.secrets())
        return redactor

    def _make_kept(self, redaction: Redaction) -> Kept | None:
        keeping = self.settings.keeping
        path = keeping.path or (self.state.path and self.state.path / "store.db")
        if not keeping.enabled or self.settings.disabled or path is None:
            return None
        return Kept(Path(path).expanduser(), lambda: self.settings, self.streams, self.own, redaction)

    def _store_state(self) -> StoreState | None:
        return None if self.kept is None else self.kept.store.state

    def sources(self) -> Sequence[Source]:
        return self.receiver.sources

    def streams(self) -> list[Records]:
        return [*self.receiver.streams, *self.figures.streams]

    async def _answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return await self.desk.answer(question, arguments)

    async def _tell_health(self) -> dict[str, Any]:
        told: dict[str, Any] = self.redactor.value("", await self.health.answer(detailed=True))
        return told

    async def run(self, connection: socket.socket | None, stay: bool) -> None:
        """Watch, until no bot has been there for as long as the watcher lingers; with `stay` until cancelled."""
        async with contextlib.AsyncExitStack() as stack:
            await self.serving.start()
            await self.pipeline.start()
            if self.siem is not None:
                self.siem.start()
            if self.kept is not None:
                await self.kept.store.open()
            stack.push_async_callback(self._stop)
            if self.state.socket is not None:
                await self._listen(stack, self.state.socket)
            self._tell_where()
            stack.push_async_callback(self.receiver.close)
            if connection is not None:
                await self.receiver.take(connection)
            for work in self._works():
                stack.callback(asyncio.create_task(work).cancel)
            linger_s = self.settings.process.linger_s
            await self.receiver.until_left(
                float("inf") if stay else linger_s, min(linger_s, _AFTER_GOODBYE_S)
            )

    def _tell_where(self) -> None:
        if self._say is None:
            return
        url = self.serving.url
        where = f"at {url}" if url else "at no address"
        reports = f"{where}/api/v1" if self.settings.api.token and url else "off"
        self._say(f"health and metrics are served {where}, the report API is {reports}; Ctrl-C ends it")
        for problem in self._problems():
            self._say(f"problem: {problem}")

    def _problems(self) -> list[str]:
        """All that is wrong at this moment, without secrets."""
        found = (*self.problems, self.serving.problem, self.pipeline.state.spool_problem)
        return [*map(self.redactor.text, filter(None, found))]

    async def _listen(self, stack: contextlib.AsyncExitStack, path: Path) -> None:
        try:
            listening = stack.enter_context(doorway.doorway(path))
            await self.receiver.listen(listening)
        except OSError as error:
            self.problems.append(
                f"other processes of this bot can't attach, for {path} can't be made ({error})"
            )

    def _application(self, is_public: bool) -> ASGIApp:
        exposition = Exposition()
        return app(
            self.health,
            lambda accept: exposition.render(self.streams(), accept),
            self.settings.web.live_after_s,
            Access(is_public, self.settings.health.token),
            clean=partial(self.redactor.value, ""),
            api=self.desk.routes(),
        )

    def _works(self) -> Iterator[Any]:
        if self.settings.performance.enabled and not self.settings.disabled:
            yield self.current.paced(self.figures.run, lambda s: s.performance.collection_interval_s)
        yield self.current.paced(self.health.run, lambda s: s.web.interval_s)
        if self.health.off is None and self.settings.process.read_stacks:
            yield Silences(self.sources).run()
        yield self.cost.run()
        yield self.current.paced(self.users.run, lambda s: s.performance.collection_interval_s)
        yield self.current.run()
        if self.kept is not None:
            yield self.kept.store.run()
        yield self.serving.run()

    async def _stop(self) -> None:
        await self.users.collect()
        await self.pipeline.stop()
        if self.siem is not None:
            await self.siem.stop()
        await self.desk.close()
        if self.kept is not None:
            await self.kept.store.stop()
        await self.serving.stop()

    def _changed(self, old: Settings, new: Settings) -> None:
        """The settings were swapped, or (`old` is `new`) a wrong file was refused."""
        self.settings = new
        self.redactor.learn(new.secrets())
        for told in (*_told(old), *self._refused):
            with contextlib.suppress(ValueError):
                self.problems.remove(told)
        self._refused = [str(problem) for problem in self.current.refused if problem not in new.problems]
        self.problems += [*_told(new), *self._refused]
        wrong = dict.fromkeys((*new.problems, *self.current.refused))
        self.health.settings_are([problem.public for problem in wrong])
        self.components.follow(_options(new))
        self.pipeline.pace(new.export)

    def _resource(self, hello: Any, instance: str) -> dict[str, Any]:
        if isinstance(code := hello.get("settings"), dict):
            self.redactor.learn({str(name): str(value) for name, value in code.items()})
            self.current.say(code)
        resource = self.redactor.attributes(bot_resource(hello, instance, self.settings.service))
        if not self.receiver.sources:  # what the watcher says of itself is of the same service
            self.own.resource[SERVICE_NAME] = resource[SERVICE_NAME]
        return resource

    def _welcome(self) -> dict[str, Any]:
        return {
            "url": self.serving.url,
            "settings": self.settings.bot,
            "overrides": self.configuration.of_the_bot(),
            "problems": self._problems(),
        }


def _told(settings: Settings) -> list[str]:
    """What is wrong with the settings, or has no effect."""
    return [*map(str, settings.problems), *settings.warnings, *settings.waiting]


def _fleet_users(settings: Settings) -> FleetUsers | None:
    url = settings.fleet.users_redis
    return None if url is None else FleetUsers(url, settings.service.name or "bot", WINDOWS)


def _options(settings: Settings) -> Options:
    health = settings.health
    timing = Timing(settings.web.interval_s, health.timeout_s, health.attempts, health.delay_s)
    figures = settings.performance.enabled and not settings.disabled
    return Options(timing, health.critical, health.active and settings.web.enabled, figures)
