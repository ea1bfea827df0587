"""The store's points, put together by group and bin: of bins every window of a question is a whole number."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from whisperwatch.watcher.query.embedded.pieces import Piece, pieces
from whisperwatch.watcher.query.embedded.selecting import Selection
from whisperwatch.watcher.query.embedded.windows import bin_size
from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.store.metrics.buckets import number
from whisperwatch.watcher.store.metrics.points import LEVELS, Level
from whisperwatch.watcher.store.metrics.rolling import rolled
from whisperwatch.watcher.store.partitions import Partition, View

_JOIN: Final[dict[str, Callable[[float, float], float]]] = {"sum": operator.add, "max": max, "min": min}
_MANY: Final = 12
"""Points of a bin: where there are so many, looking for each series' bins takes less than sorting all points by bin."""


def bins(view: View, grid: Grid, selection: Selection, over: str, column: str) -> list[dict[int, float]]:
    """Of each group, what `over` makes of a column, by the bin's number.

    Args:
        over: sum, max or min.
        column: of points.
    """
    join = _JOIN[over]
    found: list[dict[int, float]] = [{} for _ in selection.groups]
    for rows in _read(view, grid, selection, (column,), over):
        for group, at, value in rows:
            if value is not None:
                of_group = found[group]
                of_group[at] = join(of_group[at], value) if at in of_group else value
    return found


def mean_bins(view: View, grid: Grid, selection: Selection) -> list[dict[int, tuple[float, int]]]:
    """Of each group, the sum and the number of what was measured, by the bin's number."""
    found: list[dict[int, tuple[float, int]]] = [{} for _ in selection.groups]
    for rows in _read(view, grid, selection, ("total", "count"), "sum"):
        for group, at, total, count in rows:
            if count is not None:
                of_group = found[group]
                before = of_group.get(at)
                of_group[at] = (total, count) if before is None else (before[0] + total, before[1] + count)
    return found


def bucket_bins(view: View, grid: Grid, selection: Selection) -> list[dict[int, int]]:
    """Of each group, whose histograms have the same bounds, the sum of their `buckets.number`s by the bin's."""
    found: list[dict[int, int]] = [{} for _ in selection.groups]
    for rows in _read(view, grid, selection, ("buckets",)):
        for group, at, blob in rows:
            if blob is not None:
                of_group = found[group]
                of_group[at] = of_group.get(at, 0) + number(blob)
    return found


def _read(
    view: View, grid: Grid, selection: Selection, columns: Sequence[str], over: str | None = None
) -> Iterator[sqlite3.Cursor]:
    """Rows of group, bin and the columns; of a bin there may be several. With `over` SQL puts points together where a
    bin has more than one of a series."""
    if not any(group.series for group in selection.groups):
        return
    size = bin_size(grid)
    of_bins = f"WITH {selection.chosen} SELECT grp, (t - {grid.start + 1}) / {size}"
    plain = f"{of_bins}, {', '.join(columns)} FROM"
    put_together = [f"{over}({column})" for column in columns]
    for piece in pieces(grid, rolled(view.connection), _since(view)):
        for partition in view.partitions(piece.level.family, piece.start, piece.end):
            within = piece.level.within("chosen.series", partition, piece.start, piece.end)
            points = f"chosen CROSS JOIN {partition.name} ON {within}"
            if over is None or size <= piece.level.step:
                sql = f"{plain} {points}"
            elif size < _MANY * piece.level.step:
                sql = f"{of_bins}, {', '.join(put_together)} FROM {points} GROUP BY 1, 2"
            else:
                slots = _slots(grid, piece, partition)
                sql = f"WITH {selection.chosen}, {slots} {_by_bin(piece.level, partition.name, put_together, within)}"
            yield view.connection.execute(sql)
    # by time: few, and all of them are looked at; of any time, for what came late is there first
    yield view.connection.execute(
        f"{plain} journal JOIN chosen USING (series) WHERE t > {grid.start} AND t <= {grid.last}"
    )


def _by_bin(level: Level, table: str, put_together: Sequence[str], within: str) -> str:
    """SQL that looks for each of `bins` of each series that is in the table: nothing is sorted."""
    of_series = f"chosen.series * {level.slots}"
    inside = f"FROM {table} WHERE id BETWEEN {of_series} + start AND {of_series} + stop"
    values = ", ".join(f"(SELECT {one} {inside})" for one in put_together)
    return f"SELECT grp, bin, {values} FROM chosen CROSS JOIN bins WHERE EXISTS (SELECT 1 FROM {table} WHERE {within})"


def _slots(grid: Grid, piece: Piece, partition: Partition) -> str:
    """The bins in a partition as a table for SQL: their numbers, first and last slots."""
    size = bin_size(grid)
    start, end = max(piece.start, partition.start), min(piece.end, partition.end)
    found = []
    for one in range((start - grid.start) // size, (end - grid.start - 1) // size + 1):
        begins = grid.start + one * size
        slots = piece.level.slots_of(partition, max(start, begins), min(end, begins + size))
        found.append(f"({one},{slots.start},{slots.stop - 1})")
    return f"bins(bin, start, stop) AS (VALUES {','.join(found)})"


def _since(view: View) -> dict[int, int]:
    """By a level's step, when its oldest partition begins."""
    found = {level.step: view.partitions(level.family) for level in LEVELS}
    return {step: partitions[0].start for step, partitions in found.items() if partitions}
