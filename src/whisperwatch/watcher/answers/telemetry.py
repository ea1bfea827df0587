"""What the telemetry of this bot amounts to: series, and what comes in a day at the present rate."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whisperwatch.semconv import SELF_RECEIVED, SIGNAL
from whisperwatch.watcher.answers.page import Line, Section
from whisperwatch.watcher.pipeline.families import Family, Layout
from whisperwatch.watcher.records import Records
from whisperwatch.watcher.settings import Settings

_DAY_S: Final = 86400.0
_EVERY_S: Final = 30.0
_WINDOW: Final = 121
"""Looks that are kept: an hour."""
_LEAST_S: Final = 60.0
"""A rate of less says little."""
_SHOWN: Final = 8
_SAMPLES_S: Final = 15.0
"""How often a Prometheus scrapes, if nobody has told it otherwise in our compose file or its own examples."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What telemetry amounts to.

    Attributes:
        series: of Prometheus, by metric, most first.
        per_day: records by signal, at the rate of the last hour or since the watcher started.
        log_bytes_per_day: None where nobody counts them.
        measured_s: over how long that rate was measured.
    """

    series: Mapping[str, int]
    per_day: Mapping[str, float]
    log_bytes_per_day: float | None
    measured_s: float


class CostWatch:
    """Remembers what has come, so that there is a rate when somebody asks.

    Args:
        streams: all that is measured.
        own: where the watcher counts what it receives.
        log_bytes: the bytes of log text so far, where logs are received.
    """

    def __init__(
        self,
        streams: Callable[[], Sequence[Records]],
        own: Records,
        log_bytes: Callable[[], int] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._streams, self._own, self._log_bytes, self._now = streams, own, log_bytes, now
        self._looks: deque[tuple[float, dict[str, float]]] = deque(maxlen=_WINDOW)
        self.look()

    def look(self) -> None:
        """Note what has come by now."""
        self._looks.append((self._now(), self._counts()))

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self.look()

    def cost(self) -> Cost:
        """As it is now."""
        began, before = self._looks[0]
        seconds = max(self._now() - began, 0.001)
        rates = {
            name: (count - before.get(name, 0)) / seconds * _DAY_S for name, count in self._counts().items()
        }
        log_bytes = rates.pop("log bytes", None)
        found = {family.name: series_of(family) for family in Layout(self._streams()).families}
        ordered = dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
        return Cost(ordered, rates, log_bytes, seconds)

    def _counts(self) -> dict[str, float]:
        counts: dict[str, float] = {}
        for instrument in self._own.instruments:
            if instrument.name == SELF_RECEIVED.name:
                counts = {str(c.attributes[SIGNAL]): float(c.value[0]) for c in instrument.cells if c.value}
        if self._log_bytes is not None:
            counts["log bytes"] = float(self._log_bytes())
        return counts


def series_of(family: Family) -> int:
    """How many series Prometheus keeps of a family: of a histogram its buckets, the sum and the count."""
    each = len(family.bounds) + 3 if family.kind == "histogram" else 1
    return each * len(family.series)


def sections(cost: Cost, settings: Settings) -> Iterator[Section]:
    """What it amounts to, and what makes it less."""
    yield Section("What telemetry costs", tuple(_amounts(cost, settings)))
    total = sum(cost.series.values())
    most = list(cost.series.items())[:_SHOWN]
    rest = total - sum(number for _, number in most)
    lines = [f"{number:>6,}  {name}" for name, number in most]
    yield Section("Series by metric", (*lines, f"{rest:>6,}  all others") if rest else tuple(lines))
    yield Section("What makes it less", tuple(_less(cost, settings)))


def _amounts(cost: Cost, settings: Settings) -> Iterator[Line]:
    series, interval_s = sum(cost.series.values()), _interval_s(settings)
    yield f"{series:,} series, so {series * _DAY_S / interval_s:,.0f} samples a day at one in {interval_s:g} s"
    if cost.measured_s < _LEAST_S:
        yield "What comes in a day is known a minute after the watcher's start."
        return
    for signal in ("spans", "logs"):
        if (number := cost.per_day.get(signal)) is not None:
            yield f"{number:,.0f} {'spans' if signal == 'spans' else 'log records'} a day"
    if cost.log_bytes_per_day is not None:
        yield f"{_bytes(cost.log_bytes_per_day)} of log text a day"
    yield f"At the rate of the last {cost.measured_s / 60:.0f} min."


def _less(cost: Cost, settings: Settings) -> Iterator[Line]:
    rate = settings.performance.sampling_rate
    if cost.per_day.get("spans"):
        yield f"Fewer spans: PERFORMANCE_SAMPLING_RATE, now {rate:g}; 0.1 keeps a tenth of the traces."
    if cost.per_day.get("logs"):
        yield "Fewer log records: WHISPERWATCH_LOG_LEVEL=WARNING, or the levels of the bot's own loggers."
    if settings.export.metrics is not None:
        yield f"Fewer samples: OTEL_METRIC_EXPORT_INTERVAL, now {_interval_s(settings):g} s."
    else:
        yield "Fewer samples: a longer scrape_interval in Prometheus."
    if settings.performance.enabled:
        yield (
            "Neither traces nor figures of process and host: PERFORMANCE_MONITORING_ENABLED=false. "
            "What the bot does is still counted."
        )


def _interval_s(settings: Settings) -> float:
    return settings.export.metric_interval_s if settings.export.metrics is not None else _SAMPLES_S


def _bytes(number: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.0f} B"
