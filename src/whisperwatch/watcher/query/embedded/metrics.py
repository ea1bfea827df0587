"""Measures, answered from the store's points.

A question's time is cut into bins of which every window is a whole number; windows are put together of their bins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.embedded.bins import bins, mean_bins
from whisperwatch.watcher.query.embedded.distributions import distributions, quantile_points
from whisperwatch.watcher.query.embedded.latest import latest
from whisperwatch.watcher.query.embedded.lives import Alive, lives
from whisperwatch.watcher.query.embedded.selecting import Selection, select
from whisperwatch.watcher.query.embedded.windows import windows
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.reading import Readers

T = TypeVar("T")
_TIMEOUT_S: Final = 10.0
_MADE_OF: Final = {
    ("increase", "counter"): ("sum", "total"),
    ("increase", "histogram"): ("sum", "count"),
    ("sum", "histogram"): ("sum", "total"),
    ("max", "gauge"): ("max", "most"),
    ("min", "gauge"): ("min", "least"),
}
"""What of the points, by function and kind."""
_ALIKE: Final = {"rate": "increase", "updowncounter": "gauge"}


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
    found = distributions(view, grid, selection)
    return [
        _series(measure, selection, [list(quantile_points(share, of_group)) for of_group in found])
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
    if measure.function == "avg":
        return [list(_means(grid, of_group)) for of_group in mean_bins(view, grid, selection)]
    function = _ALIKE.get(measure.function, measure.function)
    over, column = _MADE_OF[function, _ALIKE.get(metric.kind, metric.kind)]
    found = bins(view, grid, selection, over, column)
    if over == "sum":
        divisor = grid.window if measure.function == "rate" else 1
        alive = lives(view, selection)
        return [list(_sums(grid, *of_group, divisor)) for of_group in zip(found, alive, strict=True)]
    extreme = max if over == "max" else min
    return [
        [(at, float(value)) for at, value in windows(grid, of_group, extreme) if value is not None]
        for of_group in found
    ]


def _sums(grid: Grid, found: dict[int, float], alive: Alive, divisor: int) -> Iterator[tuple[int, float]]:
    for at, value in windows(grid, found, sum):
        if value is not None:
            yield at, float(value) / divisor
        elif alive(at - grid.window, at):
            yield at, 0.0


def _means(grid: Grid, found: dict[int, tuple[float, int]]) -> Iterator[tuple[int, float]]:
    for at, measured in windows(grid, found, _together):
        if measured is not None and measured[1]:
            yield at, measured[0] / measured[1]


def _together(measured: Iterable[tuple[float, int]]) -> tuple[float, int]:
    totals, counts = zip(*measured, strict=True)
    return sum(totals), sum(counts)


def _known(view: View) -> list[Known]:
    rows = view.connection.execute("SELECT name, kind, unit, bounds FROM metrics ORDER BY id")
    return [Known(name, kind, unit, None, tuple(json.loads(bounds))) for name, kind, unit, bounds in rows]
