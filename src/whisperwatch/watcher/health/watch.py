"""The one who looks: keeps the last report, makes a new one when it is too old, and logs what changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import psutil

from . import checks
from .judging import Components
from .report import COMPONENT_OF, Check, Component, Now, Report, changed_components, changes, make_report
from .source import Export, Siem, Source, Store

FRESH_S: Final = 0.1
"""A report may be this old when it is given out: 500 requests a second cost ten reports."""
_TURNS_TO_READ: Final = 4
_log = logging.getLogger("whisperwatch.health")
_components_log = logging.getLogger("whisperwatch.health.components")
"""Of which the bot's own log says nothing yet."""
_LEVELS: Final = {"degraded": logging.WARNING, "unhealthy": logging.ERROR}


class HealthWatch:
    """Reports on `sources`, the settings' problems and the export.

    Args:
        sources: the bots' processes, those that ended lately included.
        problems: what was wrong with the settings, without values.
        export: how the export is; None leaves the check out.
        components: judges them; None leaves them out.
        off: why health is off, a sentence; None while it is on.
        store: how the embedded store is; None where nothing is kept.
        now: both clocks.
        siem: how the way of security events to a SIEM is; None where there is none.
    """

    def __init__(
        self,
        sources: Callable[[], Sequence[Source]],
        problems: Sequence[str] = (),
        export: Callable[[], Export] | None = None,
        components: Components | None = None,
        off: str | None = None,
        store: Callable[[], Store | None] = lambda: None,
        now: Callable[[], Now] = lambda: Now(time.monotonic_ns(), time.time()),
        siem: Siem | None = None,
    ) -> None:
        self._sources = sources
        self._problems = tuple(problems)
        self._export = export
        self._components = components
        self.off = off
        self._store = store
        self._now = now
        self._siem = siem
        self._report: Report | None = None

    def settings_are(self, problems: Sequence[str]) -> None:
        """What is wrong with the settings from now on, without values."""
        self._problems = tuple(problems)

    async def look(self) -> Report:
        """The newest report, at most `FRESH_S` old."""
        now = self._now()
        if self._fresh() is None and any(checks.silent_s(source, now) for source in self._sources()):
            # If it was us who stood still, the beats have come and only wait to be read.
            for _ in range(_TURNS_TO_READ):
                await asyncio.sleep(0)
        return self._fresh() or self.report()

    async def answer(self, component: str | None = None, *, detailed: bool = False) -> dict[str, Any]:
        """The report, or one component of it, as plain data: what routes, commands and the terminal show.

        Where health is off, `{"off": …}` says by what.

        Raises:
            KeyError: there is no such component.
        """
        if self.off is not None:
            return {"off": self.off}
        report = await self.look()
        if component is None:
            return report.as_json(detailed=detailed)
        found = report.component(component)
        if found is None:
            raise KeyError(component)
        return found.as_json()

    def report(self) -> Report:
        """A new report. Status changes are logged."""
        now = self._now()
        sources = checks.current(self._sources())
        found = list(self._checks(sources, now))
        judged = self._judged(sources, found, now)
        previous, self._report = self._report, make_report(found, now, self._report, judged)
        self._tell(self._report, previous)
        return self._report

    async def run(self, interval_s: float) -> None:
        """Looks every `interval_s` seconds until cancelled, so that "since" is true when nobody asks."""
        following = None
        if self._components is not None and self.off is None:
            following = asyncio.create_task(self._components.run(self._now), name="health of components")
        try:
            while True:
                try:
                    await self.look()
                except Exception:
                    _log.exception("health could not be looked at")
                await asyncio.sleep(interval_s)
        finally:
            if following is not None:
                following.cancel()

    def _judged(self, sources: Sequence[Source], found: Sequence[Check], now: Now) -> Sequence[Component]:
        if self._components is None:
            return ()
        return self._components.judge(now, sources, found, None if self._export is None else self._export())

    def _tell(self, report: Report, previous: Report | None) -> None:
        changed = changes(report, previous)
        for check in changed:
            level = _LEVELS.get(check.status, logging.INFO) if previous else logging.INFO
            _log.log(level, "%s is %s: %s", check.name, check.status, check.text)
        said = {COMPONENT_OF.get(check.name) for check in changed}
        for one in changed_components(report, previous):
            if one.name not in said:
                level = _LEVELS.get(one.status, logging.INFO) if previous else logging.INFO
                _components_log.log(level, "%s is %s: %s", one.name, one.status, one.reason)

    def _checks(self, sources: Sequence[Source], now: Now) -> Iterable[Check]:
        discord_is_critical = self._components is None or "discord" in self._components.options.critical
        before = {c.process: c for c in (self._report.checks if self._report else ()) if c.name == "gateway"}
        for source in sources:
            doubtful = source.ended is None and (not source.connected or checks.silent_s(source, now))
            state = _state(source.pid) if doubtful else None
            for check in checks.of_source(source, now, state, before.get(source.slot)):
                yield replace(check, critical=discord_is_critical) if check.name == "gateway" else check
        if not sources:
            yield checks.no_source()
        yield checks.settings(self._problems)
        if self._export is not None:
            yield checks.export(self._export())
        if (store := self._store()) is not None:
            yield checks.store(store)
        if self._siem is not None:
            yield checks.siem(self._siem)

    def _fresh(self) -> Report | None:
        report = self._report
        return report if report is not None and 0 <= self._now().unix - report.at < FRESH_S else None


def _state(pid: int) -> str | None:
    with suppress(psutil.Error):
        return psutil.Process(pid).status()
    return None
