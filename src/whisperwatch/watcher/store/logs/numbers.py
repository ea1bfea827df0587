"""The numbers of records: their ticks, each given once, none in another second than its record.

So the records of (second, second] are exactly a range of numbers, and counts need to look at nothing else. Within a
second the order of the numbers is that of the times, but for what comes later than its neighbours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence

from whisperwatch.watcher.store.logs.rows import TICKS


def numbered(
    ticks: Sequence[int], newest: int, taken: Callable[[int, int], Collection[int]]
) -> Iterator[int]:
    """A number for each of `ticks`, which ascend.

    Args:
        newest: the largest number that there is, -1 where there is none.
        taken: those that there are in (start, end].
    """
    last, at = -1, 0
    while at < len(ticks):
        start = (ticks[at] - 1) // TICKS * TICKS
        end = start + TICKS
        stop = bisect_right(ticks, end, at)
        there = taken(start, end) if newest > start else ()
        found = _within(ticks[at:stop], max(last, start), end, there)
        if found is None:  # more than a second has ticks: none is lost, some are a little late
            first = max(newest, last, end) + 1
            found = list(range(first, first + stop - at))
        yield from found
        last, at = found[-1], stop


def _within(ticks: Sequence[int], floor: int, end: int, taken: Collection[int]) -> list[int] | None:
    """Ascending numbers above `floor`, up to `end`, near the ticks; None where there are not so many."""
    found, last = [], floor
    for tick in ticks:
        last = tick if tick > last else last + 1
        while last in taken:
            last += 1
        found.append(last)
    return found if last <= end else _moved_back(found, floor, end, taken)


def _moved_back(found: list[int], floor: int, end: int, taken: Collection[int]) -> list[int] | None:
    """Those that ran over the end, before it; and what is in their way too."""
    limit = end
    for index in range(len(found) - 1, -1, -1):
        number = min(found[index], limit)
        while number in taken:
            number -= 1
        if number == found[index]:
            break
        found[index], limit = number, number - 1
    return found if found[0] > floor else None
