"""Judges all components: samples the figures, has the servers asked, and lets each component's module decide."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from whisperwatch.semconv import CACHE, CACHE_EVICTIONS, HEALTH, HEALTH_COMPONENT, SOURCE
from whisperwatch.watcher.records import Endpoint, LocalStream, Records

from .components import cache, custom, database, discord, llm, memory, monitor, security, system, tasks
from .components.scene import Scene
from .probes.prober import Prober, Timing
from .report import Check, Component, Now, Part, Status
from .source import Export, Source
from .steady import Steady
from .trends import Trends

_log = logging.getLogger("whisperwatch.health")
_EVERY_S: Final = 5.0
"""How often new servers are looked for, and samples taken where they are due, when nobody asks."""
_FRESH_S: Final = 1.0
"""A judgement may be this old."""
_FIGURES: Final[dict[Status, float]] = {
    "healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0, "unknown": -1.0, "not_configured": -1.0,
}  # fmt: skip
_JUDGES: Final = {
    "system": system, "llm": llm, "database": database, "memory": memory, "cache": cache,
    "discord": discord, "tasks": tasks, "security": security, "monitor": monitor,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set.

    Attributes:
        timing: when servers are asked.
        critical: components that make the whole unhealthy.
        active: whether servers are asked at all.
        figures: whether the figures of the machine are read.
    """

    timing: Timing = field(default_factory=Timing)
    critical: frozenset[str] = frozenset({"discord"})
    active: bool = True
    figures: bool = True


class Components:
    """The components of all processes of the bot together.

    Args:
        streams: whatever holds figures: those of the bots' processes, the machine's, the watcher's own.
        sources: the bots' processes.
        own: takes the statuses as figures.
        where: where the watcher serves; None where it doesn't.
    """

    def __init__(
        self,
        streams: Callable[[], Iterable[Records]],
        sources: Callable[[], Sequence[Source]],
        options: Options | None = None,
        own: LocalStream | None = None,
        where: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._own, self._where = own, where
        self._sources = sources
        self.options = options or Options()
        self._trends = Trends(streams, {name for judge in _JUDGES.values() for name in judge.METRICS})
        self._prober = Prober(self._endpoints, self.options.timing)
        self._discord: dict[tuple[str, int], Endpoint] = {}
        self._steady = {name: Steady() for name in _JUDGES}
        self._judged: tuple[float, tuple[Any, ...], tuple[Component, ...]] | None = None
        self._refreshed = 0.0
        self._said: set[str] = set()

    def follow(self, options: Options) -> None:
        """Go by these from now on."""
        self.options = options
        self._prober.follow(options.timing)
        if not options.active:
            self._prober.stop()

    def judge(
        self, now: Now, sources: Sequence[Source], checks: Sequence[Check], export: Export | None
    ) -> tuple[Component, ...]:
        """How the components are; at most a second old, and of the same checks.

        Args:
            sources: the newest process of each slot.
            checks: those of the same report.
        """
        statuses = tuple((check.name, check.process, check.status) for check in checks)
        if (
            self._judged is not None
            and statuses == self._judged[1]
            and 0 <= now.unix - self._judged[0] < _FRESH_S
        ):
            return self._judged[2]
        self._sample(now.unix)
        scene = Scene(
            now.unix, sources, checks, self._trends, self._prober.probes, export,
            self.options.figures, self._prober.left_out, self._where(),
        )  # fmt: skip
        judged = (*(self._component(name, scene, now) for name in _JUDGES), *self._custom(scene))
        self._judged = now.unix, statuses, judged
        if self._own is not None:
            for one in judged:
                self._own.set(HEALTH, _FIGURES[one.status], {HEALTH_COMPONENT: one.name})
            self._count_evictions(self._own)
        return judged

    def _count_evictions(self, own: LocalStream) -> None:
        told = {
            probe.target.name: probe.verdict.figures["evicted_keys"]  # databases of one server count together
            for probe in self._prober.probes
            if "evicted_keys" in probe.verdict.figures
        }
        if told:
            own.set(CACHE_EVICTIONS, sum(told.values()), {CACHE: "redis", SOURCE: "redis"})

    def refresh(self, unix: float) -> None:
        """Take a sample if one is due, and have new servers asked."""
        self._sample(unix)
        self._refreshed = unix
        if self.options.active:
            self._prober.tend()

    async def run(self, now: Callable[[], Now]) -> None:
        """Refresh until cancelled."""
        try:
            while True:
                try:
                    self.refresh(now().unix)
                except Exception as error:
                    self._say("the health of components can't be followed", error)
                await asyncio.sleep(_EVERY_S)
        finally:
            self._prober.stop()

    def _sample(self, unix: float) -> None:
        try:
            self._trends.sample(unix)
        except Exception as error:
            self._say("figures can't be followed", error)

    def _component(self, name: str, scene: Scene, now: Now) -> Component:
        critical = name in self.options.critical
        try:
            found = _JUDGES[name].judge(scene)
            steady = self._steady[name]
            shown = [part if part.settled else steady(part, now.monotonic_ns / 1e9) for part in found]
            steady.keep(part.name for part in found)
            return Component.of(name, shown, critical)
        except Exception as error:
            self._say(f"{name} can't be judged", error)
            text = f"could not be judged ({type(error).__name__})"
            return Component.of(name, [Part(name, "unknown", text)], critical)

    def _custom(self, scene: Scene) -> list[Component]:
        try:
            return list(custom.components(scene))
        except Exception as error:
            self._say("what the bot's own health checks found can't be read", error)
            return []

    def _endpoints(self) -> Iterator[Endpoint]:
        called = system.called_hosts(self._trends, self._refreshed)
        for source in self._sources():
            if source.connected:
                for one in source.stream.endpoints.values():
                    if one.system != "http" or one.arguments.get("host") in called:
                        yield one
                yield from self._hosts(source.beat or {})

    def _hosts(self, beat: Any) -> Iterator[Endpoint]:
        """Where the bot really finds Discord."""
        for host, port in list(beat.get("hosts") or ())[:8]:
            where = str(host), int(port)
            if where not in self._discord:
                self._discord[where] = Endpoint("discord", {"host": where[0], "port": where[1]})
            yield self._discord[where]

    def _say(self, what: str, error: Exception) -> None:
        if what not in self._said:
            self._said.add(what)
            _log.error("%s; this is not logged again", what, exc_info=error)
