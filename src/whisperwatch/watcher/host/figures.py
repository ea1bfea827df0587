"""All figures together: the machine's, and those of each bot's process while it lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from whisperwatch import semconv as names
from whisperwatch.watcher.records import LocalStream, Records

from .cgroup import Cgroup
from .machine import MachineFigures, cpus
from .process import ProcessFigures

_log = logging.getLogger("whisperwatch.host")


class Watched(Protocol):
    """What is needed to know of a bot's process."""

    @property
    def pid(self) -> int: ...
    @property
    def connected(self) -> bool: ...
    @property
    def restarts(self) -> int:
        """Starts of this bot after its first."""

    @property
    def stream(self) -> Records:
        """What it has recorded; its figures get the same resource."""


class Figures:
    """Reads the machine and the processes of `sources` at each `collect`.

    Args:
        machine: the stream of the watcher's own resource.
        sources: the bots' processes.
        directories: whose file systems are watched.
    """

    def __init__(
        self,
        machine: LocalStream,
        sources: Callable[[], Sequence[Watched]],
        directories: Iterable[Path],
        cgroup: Cgroup | None = None,
    ) -> None:
        self._cgroup = cgroup or Cgroup()
        self._machine = MachineFigures(machine, directories, self._cgroup)
        self._sources = sources
        self._processes: dict[int, ProcessFigures] = {}
        self._came = asyncio.Event()

    @property
    def streams(self) -> list[LocalStream]:
        """The machine's stream, and one of each process that lives."""
        return [self._machine.stream, *(figures.stream for figures in self._processes.values())]

    def collect(self) -> None:
        """Read everything now; a few milliseconds."""
        self._machine.collect()
        living = self._living()
        limit = cpus(self._cgroup)
        for key in self._processes.keys() - living.keys():
            del self._processes[key]
        for key, source in living.items():
            figures = self._processes.get(key)
            if figures is None:
                stream = LocalStream(source.stream.resource, source.stream.slot)
                figures = self._processes[key] = ProcessFigures(source.pid, stream, limit)
            figures.collect()
            figures.stream.set(names.RESTARTS, source.restarts)

    def hurry(self) -> None:
        """A process has come: it is read at once, not at the next interval."""
        self._came.set()

    async def run(self, interval_s: float) -> None:
        """Read every `interval_s` seconds, and when a process has come, until cancelled."""
        while True:
            try:
                self.collect()
            except Exception:
                _log.exception("the figures of process and host could not be read")
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await self._came.wait()

    def _living(self) -> dict[int, Watched]:
        return {id(source.stream): source for source in self._sources() if source.connected}
