"""What the components are judged from, and the words in which several of them say what they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.semconv import ERROR_TYPE
from whisperwatch.watcher.health.probes.prober import Probe
from whisperwatch.watcher.health.report import Check, Number, Part, Status
from whisperwatch.watcher.health.source import Export, Source
from whisperwatch.watcher.health.trends import Recent, Trends, quantile

DB_SYSTEM: Final = ("db.system.name", "db.system")
VECTOR_STORES: Final = frozenset({"chroma", "chromadb", "qdrant"})
FEW: Final = 3
"""So many failures are the fewest that degrade by their share."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is known at one moment.

    Attributes:
        now: unix seconds.
        sources: the bots' processes, the newest of each slot.
        checks: of the same moment, see `checks`.
        trends: what the figures did lately.
        probes: what is asked of the servers that the bots use.
        figures: whether the figures of the machine are read.
        left_out: servers that are not asked, for there are too many.
        url: where the watcher serves; None where it doesn't.
    """

    now: float
    sources: Sequence[Source]
    checks: Sequence[Check]
    trends: Trends
    probes: Sequence[Probe] = ()
    export: Export | None = None
    figures: bool = True
    left_out: int = 0
    url: str | None = None

    @property
    def beats(self) -> list[Mapping[str, Any]]:
        """The newest beat of each process that is connected."""
        return [source.beat for source in self.sources if source.connected and source.beat]


def part_of(probe: Probe) -> Part:
    """A probe as a part."""
    verdict = probe.verdict
    numbers: dict[str, Number] = {}
    if verdict.took_s is not None:
        numbers["answer_s"] = round(verdict.took_s, 4)
    if verdict.answered is not None:
        numbers["last_good_unix"] = round(verdict.answered, 3)
    numbers |= verdict.figures
    return Part(probe.target.name, verdict.status, verdict.text, numbers, verdict.since, True)


def not_configured(text: str) -> list[Part]:
    """The one part of a component that has nothing to be judged by."""
    return [Part("", "not_configured", text)]


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of some kind in the last minutes: how many, how many failed and of what, how long they took."""

    count: int
    failed: int
    errors: Counter[str]
    p50_s: float | None
    p95_s: float | None

    @classmethod
    def of(cls, recents: Iterable[Recent]) -> Calls:
        """Of a histogram of durations that carries `error.type` where a call failed."""
        recents = list(recents)
        errors: Counter[str] = Counter()
        for one in recents:
            if (error := one.attributes.get(ERROR_TYPE)) is not None:
                errors[str(error)] += int(one.count)
        count = sum(int(one.count) for one in recents)
        return cls(count, errors.total(), errors, quantile(recents, 0.5), quantile(recents, 0.95))

    @property
    def share(self) -> float:
        """The share that failed."""
        return self.failed / self.count if self.count else 0.0

    def status(self, degraded: float = 0.05, unhealthy: float = 0.5) -> Status:
        """By the share that failed; a few failures are none yet, unless nothing else happened."""
        if self.failed and self.share >= unhealthy and self.count > 1:
            return "unhealthy"
        return "degraded" if self.failed >= FEW and self.share >= degraded else "healthy"

    def numbers(self) -> dict[str, Number]:
        """For the report."""
        told: dict[str, Number] = {"calls": self.count, "failed": self.failed}
        for name, value in (("p50_s", self.p50_s), ("p95_s", self.p95_s)):
            if value is not None:
                told[name] = round(value, 4)
        return told

    def text(self, verb: str = "failed") -> str:
        """Such as "3 of 40 failed (TimeoutError), P95 1.2 s"."""
        most = ", ".join(name for name, _ in self.errors.most_common(2))
        slow = f", P95 {seconds(self.p95_s)}" if self.p95_s is not None else ""
        why = f" ({most})" if most else ""
        return f"{self.failed} of {self.count} {verb}{why}{slow}"


def by(recents: Iterable[Recent], *keys: str) -> dict[str, list[Recent]]:
    """Grouped by the first of these attributes that each has; without any under an empty string."""
    groups: dict[str, list[Recent]] = {}
    for one in recents:
        name = next((str(one.attributes[key]) for key in keys if key in one.attributes), "")
        groups.setdefault(name, []).append(one)
    return groups


def seconds(value: float) -> str:
    """For people."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"
