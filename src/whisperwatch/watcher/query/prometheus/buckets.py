"""Quantiles of what Prometheus tells of a histogram's buckets: a series for each `le`.

They are estimated here and not by `histogram_quantile`, for the rule is the same, and one answer is enough for several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from whisperwatch.watcher.query.prometheus.api import Points
from whisperwatch.watcher.query.quantiles import quantile

LE: Final = "le"


@dataclass
class Buckets:
    """One group's: how many were at most each bound, by the time (unix seconds) and the bound."""

    at_most: dict[int, dict[float, float]] = field(default_factory=dict)

    def quantiles(self, share: float) -> Iterator[tuple[int, float]]:
        """By time; none of a time at which nothing is known, or without the bound that is infinite."""
        for at, buckets in sorted(self.at_most.items()):
            bounds = sorted(buckets)
            if bounds[-1] == float("inf"):
                value = quantile(share, bounds[:-1], [buckets[bound] for bound in bounds])
                if value is not None:
                    yield at, value


def by_group(told: Mapping[tuple[str, ...], Points]) -> dict[tuple[str, ...], Buckets]:
    """By the groups' values, of points by these and, as the last of them, `le`.

    Raises:
        ValueError: an `le` is no number.
    """
    found: dict[tuple[str, ...], Buckets] = {}
    for (*group, le), points in told.items():
        buckets, bound = found.setdefault(tuple(group), Buckets()), float(le)
        for at, value in points:
            buckets.at_most.setdefault(at, {})[bound] = value
    return found
