"""Histograms as they were at each time, and quantiles of them.

Groups may hold histograms of several layouts (another release's): what is at most a bound is summed by bound.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from whisperwatch.watcher.query.embedded.bins import bucket_bins
from whisperwatch.watcher.query.embedded.selecting import Group, Selection
from whisperwatch.watcher.query.embedded.windows import windows
from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.query.quantiles import quantile
from whisperwatch.watcher.store.metrics.buckets import unpack
from whisperwatch.watcher.store.partitions import View

Bounds = tuple[float, ...]
Distributions = list[tuple[int, Sequence[float], list[int]]]
"""Of a group at each time: bounds, and how many were at most each of them, and all."""


def distributions(view: View, grid: Grid, selection: Selection) -> list[Distributions]:
    """Of each group, at the times at which it has any."""
    alike: dict[tuple[int, Bounds], Group] = {}
    for at, group in enumerate(selection.groups):
        for series in group.series:
            alike.setdefault((at, selection.bounds[series]), Group(group.values)).series.append(series)
    layouts: list[dict[Bounds, dict[int, int | None]]] = [{} for _ in selection.groups]
    found = bucket_bins(view, grid, Selection(list(alike.values()), selection.bounds))
    for (at, bounds), of_layout in zip(alike, found, strict=True):
        totals = windows(grid, of_layout, sum)  # typed by what it is given, not by what takes it
        layouts[at][bounds] = dict(totals)
    return [list(_at_each_time(grid, of_group)) for of_group in layouts]


def quantile_points(share: float, distributions: Distributions) -> Iterator[tuple[int, float]]:
    """The quantile at each time at which there is one."""
    for time, bounds, cumulative in distributions:
        if (value := quantile(share, bounds, cumulative)) is not None:
            yield time, value


def _at_each_time(
    grid: Grid, layouts: Mapping[Bounds, Mapping[int, int | None]]
) -> Iterator[tuple[int, Sequence[float], list[int]]]:
    for time in grid:
        there = {bounds: total for bounds, totals in layouts.items() if (total := totals[time]) is not None}
        if len(there) == 1:
            ((bounds, total),) = there.items()
            yield time, bounds, list(accumulate(unpack(total, len(bounds) + 1)))
        elif there:
            yield time, *_summed(there)


def _summed(layouts: Mapping[Bounds, int]) -> tuple[list[float], list[int]]:
    at_most: dict[float, int] = defaultdict(int)
    for bounds, total in layouts.items():
        counts = accumulate(unpack(total, len(bounds) + 1))
        for bound, count in zip((*bounds, math.inf), counts, strict=True):
            at_most[bound] += count
    ordered = sorted(at_most)
    return ordered[:-1], [at_most[bound] for bound in ordered]
