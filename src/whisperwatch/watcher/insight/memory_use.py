"""Whether the bot's process leaks memory, and what its garbage collector does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.insight.figures import Basis, Figure, ask
from whisperwatch.watcher.insight.leak import Leak, leak
from whisperwatch.watcher.query.asking import Asking

_HOUR_S: Final = 3600.0
_FINEST_S: Final = 300.0
_MOST_POINTS: Final = 24 * 30
_TREND: Final = {"memory": "max(process.memory.usage)"}
_QUESTIONS: Final = {
    **_TREND,
    "now": "last(process.memory.usage)",
    "collections": "increase(cpython.gc.collections) by cpython.gc.generation",
    "pause": "p99(cpython.gc.pause.duration)",
}


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Of the bot's process.

    Attributes:
        now, peak: resident memory, now and at most.
        leak: the verdict on its way.
        collections: runs of the garbage collector, by generation.
        pause: P99 of its pauses.
        trend: the largest resident memory of each `step_s` seconds, which the store may have widened; the oldest first.
    """

    basis: Basis
    now: Figure
    peak: Figure
    leak: Leak
    collections: Mapping[str, Figure]
    pause: Figure
    trend: tuple[float | None, ...]
    step_s: float


async def memory_use(asking: Asking, over_s: float) -> MemoryUse:
    """Of the last `over_s` seconds."""
    found = await ask(asking, _QUESTIONS, over_s)
    over_s = min(over_s, found.basis.over_s)
    step_s = min(_HOUR_S, max(_FINEST_S, over_s / _MOST_POINTS))
    fine = await ask(asking, _TREND, over_s, step_s)
    points = fine.trend("memory")
    return MemoryUse(
        found.basis,
        found.figure("now"),
        found.figure("memory"),
        leak(points, fine.step_s("memory")),
        found.groups("collections"),
        found.figure("pause"),
        points,
        fine.step_s("memory"),
    )
