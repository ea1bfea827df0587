"""How the way to the collector is: what health reads, and who waits for it to be empty."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from whisperwatch.watcher.pipeline.buffer import Buffer
from whisperwatch.watcher.pipeline.delivery import Delivery
from whisperwatch.watcher.pipeline.figures import Figures
from whisperwatch.watcher.pipeline.spool import Spool
from whisperwatch.watcher.pipeline.transport import Signal
from whisperwatch.watcher.settings import Target

_REFUSED_S: Final = 300.0
"""For so long health tells of something that was refused."""


class State:
    """Of what the pipeline holds: where each signal goes, who delivers it, and what waits in memory and on the disk."""

    def __init__(
        self,
        targets: Mapping[Signal, Target],
        deliveries: Mapping[Signal, Delivery],
        buffer: Buffer,
        spool: Spool | None,
        figures: Figures,
    ) -> None:
        self._targets, self._deliveries = targets, deliveries
        self._buffer, self._spool, self._figures = buffer, spool, figures

    @property
    def endpoint(self) -> str | None:
        """Where telemetry goes, without credentials; None while nothing is exported."""
        return next((target.shown for target in self._targets.values()), None)

    @property
    def failing_since(self) -> float | None:
        """Unix seconds of the first failure after the last success; None while all is well."""
        return min((d.failing_since for d in self._deliveries.values() if d.failing_since), default=None)

    @property
    def last_success(self) -> float | None:
        """Unix seconds of the last time that the collector took something; None before the first."""
        return max((d.last_success for d in self._deliveries.values() if d.last_success), default=None)

    @property
    def reached_since(self) -> float | None:
        """Unix seconds since when the collector takes all that is sent; None before it has taken anything."""
        return max((d.reached_since for d in self._deliveries.values() if d.reached_since), default=None)

    @property
    def error(self) -> str | None:
        """What the last failure was."""
        return next((d.error for d in self._deliveries.values() if d.error), None)

    @property
    def refused(self) -> str | None:
        """What the collector would not take in the last five minutes, and why: the newest of it."""
        found = [d.refused for d in self._deliveries.values() if d.refused is not None]
        at, told = max(found, default=(0.0, ""))
        return told if time.time() - at < _REFUSED_S else None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for the collector, in memory and on the disk."""
        return self.memory_bytes + self.spooled_bytes

    @property
    def spooled_bytes(self) -> int:
        """Bytes of them that are on the disk."""
        return 0 if self._spool is None else sum(map(self._spool.waiting_bytes, self._targets))

    @property
    def spool_problem(self) -> str | None:
        """Why nothing can wait on the disk; None where it can, or isn't to."""
        return None if self._spool is None else self._spool.problem

    @property
    def dropped(self) -> int:
        """Records that were lost on the way out."""
        return self._figures.dropped_records

    @property
    def memory_bytes(self) -> int:
        """Bytes that wait in memory."""
        return sum(map(self._buffer.memory_bytes, self._targets))

    @property
    def soon_sent_bytes(self) -> int:
        """What waits in memory, and on the disk where there is no outage."""
        spool, found = self._spool, self.memory_bytes
        if spool is not None:
            found += sum(
                spool.waiting_bytes(signal) for signal, d in self._deliveries.items() if not d.behind
            )
        return found
