"""Quantiles of histograms, as Prometheus' `histogram_quantile` estimates them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


def quantile(share: float, bounds: Sequence[float], cumulative: Sequence[float]) -> float | None:
    """The value below which a share of what was measured lies; None of nothing.

    Linear within a bucket; the first one begins at 0 where its bound is positive; of what lies above the last bound,
    only that bound is known.

    Args:
        bounds: upper bounds, ascending, without the infinite one.
        cumulative: how many were at most each bound, and all: one more than `bounds`.
    """
    if not cumulative or not cumulative[-1] > 0:
        return None
    if not bounds:
        return None
    rank = share * cumulative[-1]
    rising = list(accumulate(cumulative, max, initial=0.0))[1:]  # sums of several bucket layouts may fall
    at = bisect_left(rising, rank, 0, len(rising) - 1)
    if at == len(rising) - 1:
        return float(bounds[-1])
    if at == 0 and bounds[0] <= 0:
        return float(bounds[0])
    start, before = (float(bounds[at - 1]), rising[at - 1]) if at else (0.0, 0.0)
    inside = rising[at] - before
    if not inside:  # a share of 0, and nothing in the first bucket
        return None
    return start + (float(bounds[at]) - start) * (rank - before) / inside
