"""Bins of time put together into the windows of a grid."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import TypeVar

from whisperwatch.watcher.query.language import Grid

T = TypeVar("T")


def bin_size(grid: Grid) -> int:
    """Seconds of a bin, of which every window and every step is a whole number."""
    return grid.window if len(grid) == 1 else math.gcd(grid.step, grid.window)


def windows(grid: Grid, bins: Mapping[int, T]) -> Iterator[tuple[int, list[T]]]:
    """Each time of the grid, and the bins of its window that there are; bin 0 begins at `grid.start`."""
    size = bin_size(grid)
    step, length = grid.step // size, grid.window // size
    if length == 1:
        for index, at in enumerate(grid):
            one = bins.get(index * step)
            yield at, ([one] if one is not None else [])
        return
    numbers = sorted(bins)
    for index, at in enumerate(grid):
        first = bisect_right(numbers, index * step - 1)
        last = bisect_right(numbers, index * step + length - 1)
        yield at, [bins[one] for one in numbers[first:last]]
