"""Measures, answered from the store's points.

A question's time is cut into bins of which every window is a whole number; SQL sums the points of each group and bin,
and windows are put together of their bins.
"""

from __future__ import annotations

import json
import math
import operator
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.embedded.latest import latest
from whisperwatch.watcher.query.embedded.pieces import pieces
from whisperwatch.watcher.query.embedded.selecting import Selection, select
from whisperwatch.watcher.query.embedded.windows import bin_size, windows
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.quantiles import quantile
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.metrics.points import LEVELS, number, unpack
from whisperwatch.watcher.store.metrics.rolling import rolled
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.reading import Readers

T = TypeVar("T")
_TIMEOUT_S: Final = 10.0
_SUMS: Final = {
    ("increase", "counter"): ("sum(total)",),
    ("increase", "histogram"): ("sum(count)",),
    ("sum", "histogram"): ("sum(total)",),
    ("avg", "histogram"): ("sum(total)", "sum(count)"),
    ("avg", "gauge"): ("sum(total)", "sum(count)"),
    ("max", "gauge"): ("max(most)",),
    ("min", "gauge"): ("min(least)",),
}
"""What SQL makes of a bin, by function and kind."""
_ALIKE: Final = {"rate": "increase", "updowncounter": "gauge"}

_MERGE: Final[dict[str, Callable[[Any, Any], Any]]] = {"sum": operator.add, "max": max, "min": min}

Bins = dict[int, list[Any]]
"""Of a group: what `_SUMS` names, by the bin's number."""
Distributions = list[tuple[int, list[float], list[int]]]
"""Of a group at each time: bounds, and how many were at most each of them, and all."""


class EmbeddedMetrics:
    """A `MetricEngine`."""

    name = "embedded"

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def measure(self, measure: Measure, metric: Known, grid: Grid) -> Sequence[Series]:
        """See `engines.MetricEngine`."""
        return await self._run(lambda view: answer(view, measure, metric, grid))

    async def quantiles(
        self, measure: Measure, shares: Sequence[float], metric: Known, grid: Grid
    ) -> Sequence[Sequence[Series]]:
        """See `engines.MetricEngine`."""
        return await self._run(lambda view: quantiles(view, measure, shares, grid))

    async def known(self) -> list[Known]:
        """The metrics that the store has seen.

        Raises:
            EngineError: it can't be asked.
        """
        return await self._run(_known)

    async def _run(self, work: Callable[[View], T]) -> T:
        try:
            return await self._readers.run(work, _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error


def answer(view: View, measure: Measure, metric: Known, grid: Grid) -> list[Series]:
    """What the store at this moment knows."""
    if measure.quantile is not None:
        return quantiles(view, measure, (measure.quantile,), grid)[0]
    selection = select(view, measure)
    if not selection.groups:
        return []
    return _series(measure, selection, _points(view, measure, metric, grid, selection))


def quantiles(view: View, measure: Measure, shares: Sequence[float], grid: Grid) -> list[list[Series]]:
    """What it knows of several quantiles of one histogram; which one `measure` asks for doesn't count."""
    selection = select(view, measure)
    if not selection.groups:
        return [[] for _ in shares]
    distributions = _distributions(view, grid, selection)
    return [
        _series(measure, selection, [list(_estimated(share, of_group)) for of_group in distributions])
        for share in shares
    ]


def _series(
    measure: Measure, selection: Selection, points: Sequence[Sequence[tuple[int, float]]]
) -> list[Series]:
    return [
        Series(dict(zip(measure.by, group.values, strict=True)), tuple(of_group))
        for group, of_group in zip(selection.groups, points, strict=True)
        if of_group
    ]


def _points(
    view: View, measure: Measure, metric: Known, grid: Grid, selection: Selection
) -> list[list[tuple[int, float]]]:
    if measure.function == "last":
        return latest(view, grid, selection)
    function = _ALIKE.get(measure.function, measure.function)
    kind = _ALIKE.get(metric.kind, metric.kind)
    bins = _bins(view, grid, selection, _SUMS[function, kind])
    if function in ("increase", "sum"):
        lives = _lives(view, selection)
        divisor = grid.window if measure.function == "rate" else 1
        return [
            [
                (at, float(sum(value for (value,) in inside)) / divisor)
                for at, inside in windows(grid, of_group)
                if inside or alive(at - grid.window, at)
            ]
            for of_group, alive in zip(bins, lives, strict=True)
        ]
    combine = {"avg": _mean, "max": _most, "min": _least}[function]
    return [list(_combined(grid, of_group, combine)) for of_group in bins]


def _combined(
    grid: Grid, bins: Bins, combine: Callable[[list[list[Any]]], float | None]
) -> Iterator[tuple[int, float]]:
    for at, inside in windows(grid, bins):
        if inside and (value := combine(inside)) is not None:
            yield at, value


def _mean(inside: list[list[Any]]) -> float | None:
    count = sum(one[1] for one in inside)
    return sum(one[0] for one in inside) / count if count else None


def _most(inside: list[list[Any]]) -> float | None:
    return max((float(value) for (value,) in inside if value is not None), default=None)


def _least(inside: list[list[Any]]) -> float | None:
    return min((float(value) for (value,) in inside if value is not None), default=None)


def _distributions(view: View, grid: Grid, selection: Selection) -> list[Distributions]:
    """Groups may hold histograms of several layouts (another release's): what is at most a bound is summed by bound."""
    by_bounds: dict[tuple[float, ...], list[Bins]] = {}
    for bounds in dict.fromkeys(selection.bounds.values()):
        part = Selection(
            [
                type(group)(group.values, [one for one in group.series if selection.bounds[one] == bounds])
                for group in selection.groups
            ],
            selection.bounds,
        )
        by_bounds[bounds] = _histogram_bins(view, grid, part)
    found = []
    for at in range(len(selection.groups)):
        layouts_at = {bounds: dict(windows(grid, of_groups[at])) for bounds, of_groups in by_bounds.items()}
        of_group: Distributions = []
        for time in grid:
            layouts = {
                bounds: sum(inside_bin[0] for inside_bin in inside[time])
                for bounds, inside in layouts_at.items()
                if inside[time]
            }
            of_group.append((time, *_cumulative(layouts)))
        found.append(of_group)
    return found


def _estimated(share: float, distributions: Distributions) -> Iterator[tuple[int, float]]:
    for time, bounds, cumulative in distributions:
        if (value := quantile(share, bounds, cumulative)) is not None:
            yield time, value


def _cumulative(layouts: dict[tuple[float, ...], int]) -> tuple[list[float], list[int]]:
    """Bounds, and how many were at most each of them, and all."""
    if len(layouts) == 1:
        ((bounds, total),) = layouts.items()
        running, cumulative = 0, []
        for count in unpack(total, len(bounds) + 1):
            running += count
            cumulative.append(running)
        return list(bounds), cumulative
    at_most: dict[float, int] = defaultdict(int)
    for bounds, total in layouts.items():
        running = 0
        for bound, count in zip((*bounds, math.inf), unpack(total, len(bounds) + 1), strict=True):
            running += count
            at_most[bound] += running
    ordered = sorted(at_most)
    return ordered[:-1], [at_most[bound] for bound in ordered]


def _bins(view: View, grid: Grid, selection: Selection, columns: Sequence[str]) -> list[Bins]:
    """By group and bin. What comes of several tables is put together as SQL puts rows together."""
    found: list[Bins] = [{} for _ in selection.groups]
    merge = [_MERGE[column[:3]] for column in columns]
    for group, at, *values in _rows(view, grid, selection, ", ".join(columns), " GROUP BY 1, 2"):
        if all(value is None for value in values):
            continue
        bins = found[group]
        before = bins.get(at)
        if before is None:
            bins[at] = values
        else:
            bins[at] = [
                one if other is None else other if one is None else join(one, other)
                for join, one, other in zip(merge, before, values, strict=True)
            ]
    return found


def _histogram_bins(view: View, grid: Grid, selection: Selection) -> list[Bins]:
    found: list[Bins] = [{} for _ in selection.groups]
    for group, at, blob in _rows(view, grid, selection, "buckets", " AND buckets IS NOT NULL"):
        bins = found[group]
        before = bins.get(at)
        if before is None:
            bins[at] = [number(blob)]
        else:
            before[0] += number(blob)
    return found


def _rows(
    view: View, grid: Grid, selection: Selection, columns: str, ending: str
) -> Iterator[tuple[Any, ...]]:
    if not any(group.series for group in selection.groups):
        return
    base, size = grid.start, bin_size(grid)
    for source, start, end in _sources(view, grid):
        yield from view.connection.execute(
            f"WITH {selection.chosen} SELECT grp, (t - {base + 1}) / {size} AS bin, {columns} "
            f"FROM {source} WHERE t > ? AND t <= ?{ending}",
            (start, end),
        )


def _sources(view: View, grid: Grid) -> Iterator[tuple[str, int, int]]:
    """What is read, and of which time: no point is in two of them."""
    for piece in pieces(grid, rolled(view.connection), _since(view)):
        for partition in view.partitions(piece.level.family, piece.start, piece.end):
            yield f"chosen CROSS JOIN {partition.name} USING (series)", piece.start, piece.end
    # by time: few, and all of them are looked at; of any time, for what came late is there first
    yield "journal JOIN chosen USING (series)", grid.start, grid.last


def _since(view: View) -> dict[int, int]:
    """By a level's step, when its oldest partition begins."""
    found = {level.step: view.partitions(level.family) for level in LEVELS}
    return {step: partitions[0].start for step, partitions in found.items() if partitions}


def _lives(view: View, selection: Selection) -> list[Callable[[int, int], bool]]:
    """For each group, whether any of its series was there in (start, end]."""
    spans: list[list[tuple[int, int]]] = [[] for _ in selection.groups]
    rows = view.connection.execute(
        f"WITH {selection.chosen} SELECT DISTINCT grp, born, ended FROM chosen CROSS JOIN births USING (series) "
        "JOIN lives ON lives.id = life"
    )
    for group, born, ended in rows:
        spans[group].append((born, ended))
    return [_lived(of_group) for of_group in spans]


def _lived(spans: list[tuple[int, int]]) -> Callable[[int, int], bool]:
    ordered = sorted(spans)
    starts = [start for start, _ in ordered]
    furthest: list[int] = []
    for _, end in ordered:
        furthest.append(max(end, furthest[-1] if furthest else end))

    def alive(start: int, end: int) -> bool:
        at = bisect_right(starts, end) - 1
        return at >= 0 and furthest[at] > start

    return alive


def _known(view: View) -> list[Known]:
    rows = view.connection.execute("SELECT name, kind, unit, bounds FROM metrics ORDER BY id")
    return [Known(name, kind, unit, None, tuple(json.loads(bounds))) for name, kind, unit, bounds in rows]
