"""What was measured: one reading of the watcher's `/metrics`, asked by the names of `semconv`."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from whisperwatch.semconv import Metric
from whisperwatch.watcher.naming import label_name, metric_name

_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def scrape(url: str) -> Measured:
    """Read `/metrics`.

    Raises:
        OSError: nobody answers there, or in time.
        ValueError: what answers is no `/metrics`.
    """
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url) as response:
            if response.status != 200:
                raise ValueError(f"{url} answered {response.status}")
            return Measured(await response.text())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OSError(f"{url} does not answer: {error or type(error).__name__}") from error


class Measured:
    """The samples of one reading. `at` is `time.monotonic()`."""

    def __init__(self, text: str = "") -> None:
        self.at = time.monotonic()
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def by(
        self, metric: Metric, *keys: str, where: Mapping[str, str] | None = None
    ) -> dict[tuple[str, ...], float]:
        """The sum of a metric (of a histogram: how many) by some of its attributes; zeros are left out."""
        name = metric_name(metric.name, metric.unit, metric.kind)
        return self._sums(f"{name}_count" if metric.kind == "histogram" else name, keys, where)

    def has(self, metric: Metric) -> bool:
        """Whether there is any sample of a metric that is no histogram."""
        return metric_name(metric.name, metric.unit, metric.kind) in self._samples

    def total(self, metric: Metric, where: Mapping[str, str] | None = None) -> float:
        """The sum of a metric over all its points, 0 where there are none."""
        return self.by(metric, where=where).get((), 0.0)

    def quantile(
        self, metric: Metric, q: float, *keys: str, where: Mapping[str, str] | None = None
    ) -> dict[tuple[str, ...], float]:
        """A quantile of a histogram by some of its attributes, as `histogram_quantile` estimates it."""
        name = metric_name(metric.name, metric.unit, metric.kind)
        buckets: dict[tuple[str, ...], dict[float, float]] = defaultdict(lambda: defaultdict(float))
        for labels, value in self._chosen(f"{name}_bucket", where):
            buckets[_key(labels, keys)][float(labels["le"])] += value
        return {
            key: estimate(q, sorted(found.items())) for key, found in buckets.items() if max(found.values())
        }

    def _sums(
        self, name: str, keys: tuple[str, ...], where: Mapping[str, str] | None
    ) -> dict[tuple[str, ...], float]:
        sums: dict[tuple[str, ...], float] = defaultdict(float)
        for labels, value in self._chosen(name, where):
            sums[_key(labels, keys)] += value
        return {key: value for key, value in sums.items() if value}

    def _chosen(self, name: str, where: Mapping[str, str] | None) -> list[tuple[dict[str, str], float]]:
        wanted = {label_name(key): value for key, value in (where or {}).items()}
        return [
            (labels, value)
            for labels, value in self._samples.get(name, ())
            if all(labels.get(label) == wished for label, wished in wanted.items())
        ]


def estimate(q: float, buckets: list[tuple[float, float]]) -> float:
    """A quantile from cumulative buckets (upper bound, count), as Prometheus interpolates it."""
    rank = q * buckets[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank and count > below:
            return lower if math.isinf(bound) else lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return lower


def _key(labels: Mapping[str, str], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(labels.get(label_name(key), "") for key in keys)
