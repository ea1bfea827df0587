"""Bins of time put together into the windows of a grid."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from whisperwatch.watcher.query.language import Grid

T = TypeVar("T")


def bin_size(grid: Grid) -> int:
    """Seconds of a bin, of which every window and every step is a whole number."""
    return grid.window if len(grid) == 1 else math.gcd(grid.step, grid.window)


def windows(
    grid: Grid, bins: Mapping[int, T], over: Callable[[Iterable[T]], T]
) -> Iterator[tuple[int, T | None]]:
    """Each time of the grid, and what `over` makes of the bins of its window that there are; None where none is.

    Args:
        bins: by number; 0 begins at `grid.start`.
    """
    size = bin_size(grid)
    step, length = grid.step // size, grid.window // size
    if length == 1:
        for index, at in enumerate(grid):
            yield at, bins.get(index * step)
        return
    numbers = sorted(bins)
    for index, at in enumerate(grid):
        first = bisect_right(numbers, index * step - 1)
        last = bisect_right(numbers, index * step + length - 1)
        yield at, over([bins[one] for one in numbers[first:last]]) if first < last else None
