"""Whether figures are well, by the thresholds of alerts.yaml: a page is yellow where an alert would fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.limits import Sort
from whisperwatch.watcher.settings.guide import Thresholds

DEFAULT: Final = Thresholds()
_UNKNOWN: Final = Figure()
_NEARLY_FULL: Final = 0.8
"""Of what alerts.yaml has no threshold for."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure, and above which value it isn't well, in its unit."""

    name: str
    figure: Figure
    most: float

    @property
    def above(self) -> bool:
        """Whether it is."""
        return self.figure.value is not None and self.figure.value > self.most

    def __str__(self) -> str:
        value, most = (number(one, self.figure.unit) for one in (self.figure.value or 0.0, self.most))
        return f"{self.name} {value}, more than {most}"


def status(judged: Sequence[Judged]) -> str | None:
    """`degraded` if any is above its threshold; None where none of them is known."""
    if any(one.above for one in judged):
        return "degraded"
    return "healthy" if any(one.figure.value is not None for one in judged) else None


def told(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Which are above their thresholds: a line, or none where none is."""
    above = [str(one) for one in judged if one.above]
    return (f"Above its threshold: {'; '.join(above)}.",) if above else ()


def speed(p95: Figure, thresholds: Thresholds, error_rate: Figure = _UNKNOWN) -> tuple[Judged, ...]:
    """Of answers."""
    return (
        Judged("P95", p95, thresholds.response_s),
        Judged("failures", error_rate, thresholds.error_rate / 100),
    )


def use(
    cpu: Figure, memory: Figure, disks: Mapping[str, Figure], thresholds: Thresholds
) -> tuple[Judged, ...]:
    """Of the machine."""
    return (
        Judged("CPU", cpu, thresholds.cpu / 100),
        Judged("memory", memory, thresholds.memory / 100),
        *(Judged(f"disk {place}", used, thresholds.disk / 100) for place, used in disks.items()),
    )


def users(day: Figure, thresholds: Thresholds) -> tuple[Judged, ...]:
    """Fewer than before."""
    drop = None if day.change is None else -day.change
    return (Judged("drop of today's active users", Figure(drop), thresholds.user_drop / 100),)


def nearly_full(sort: Sort, thresholds: Thresholds) -> float:
    """From which share on something limited isn't well."""
    known: Mapping[Sort, float] = {
        "disk": thresholds.disk,
        "memory": thresholds.memory,
        "process memory": thresholds.memory,
        "cpu": thresholds.cpu,
    }
    return known[sort] / 100 if sort in known else _NEARLY_FULL
