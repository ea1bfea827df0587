"""The one who looks: keeps the last report, makes a new one when it is too old, and logs what changed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

import psutil

from . import checks
from .report import Check, Now, Report, changes, make_report
from .source import Export, Source

FRESH_S: Final = 0.1
"""A report may be this old when it is given out: 500 requests a second cost ten reports."""
_TURNS_TO_READ: Final = 4
_log = logging.getLogger("whisperwatch.health")
_LEVELS: Final = {"healthy": logging.INFO, "degraded": logging.WARNING, "unhealthy": logging.ERROR}


class HealthWatch:
    """Reports on `sources`, the settings' problems and the export.

    Args:
        sources: the bots' processes, those that ended lately included.
        problems: what was wrong with the settings, without values.
        export: how the export is; None leaves the check out.
        now: both clocks.
    """

    def __init__(
        self,
        sources: Callable[[], Sequence[Source]],
        problems: Sequence[str] = (),
        export: Callable[[], Export] | None = None,
        now: Callable[[], Now] = lambda: Now(time.monotonic_ns(), time.time()),
    ) -> None:
        self._sources = sources
        self._problems = tuple(problems)
        self._export = export
        self._now = now
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

    def report(self) -> Report:
        """A new report. Status changes are logged."""
        now = self._now()
        previous, self._report = self._report, make_report(self._checks(now), now, self._report)
        for check in changes(self._report, previous):
            level = _LEVELS[check.status] if previous else logging.INFO
            _log.log(level, "%s is %s: %s", check.name, check.status, check.text)
        return self._report

    async def run(self, interval_s: float) -> None:
        """Looks every `interval_s` seconds until cancelled, so that "since" is true when nobody asks."""
        while True:
            try:
                await self.look()
            except Exception:
                _log.exception("health could not be looked at")
            await asyncio.sleep(interval_s)

    def _checks(self, now: Now) -> Iterable[Check]:
        sources = checks.current(self._sources())
        before = {c.process: c for c in (self._report.checks if self._report else ()) if c.name == "gateway"}
        for source in sources:
            doubtful = source.ended is None and (not source.connected or checks.silent_s(source, now))
            state = _state(source.pid) if doubtful else None
            yield from checks.of_source(source, now, state, before.get(source.slot))
        if not sources:
            yield checks.no_source()
        yield checks.settings(self._problems)
        if self._export is not None:
            yield checks.export(self._export())

    def _fresh(self) -> Report | None:
        report = self._report
        return report if report is not None and 0 <= self._now().unix - report.at < FRESH_S else None


def _state(pid: int) -> str | None:
    with suppress(psutil.Error):
        return psutil.Process(pid).status()
    return None
