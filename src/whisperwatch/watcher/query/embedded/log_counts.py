"""How many log records fit, counted by SQLite: by their numbers, so that no record is read that need not be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from whisperwatch.watcher.query.answers import Series
from whisperwatch.watcher.query.embedded.log_filters import SHORT, able_to_fold, conditions, having, trigrams
from whisperwatch.watcher.query.embedded.windows import bin_size, windows
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.query.language.logs import LEVELS, LogKey
from whisperwatch.watcher.store.logs import fold
from whisperwatch.watcher.store.logs.rows import FAMILY, TICKS
from whisperwatch.watcher.store.partitions import View

_KEYS: Final = {"component": "component", "level": "grade", "logger": "logger", "instance": "instance"}
_NAMES: Final = tuple(LEVELS)

_Bins = dict[tuple[Any, ...], dict[int, int]]


def counts(view: View, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> list[Series]:
    """How many fit, of each group and window."""
    able_to_fold(view.connection)
    bins: _Bins = {}
    for partition in view.partitions(FAMILY, grid.start, grid.last):
        _count(view, partition.name, (grid.start - partition.start) * TICKS, filter, by, grid, bins)
    return [
        Series(
            _group(by, group),
            tuple((at, float(count)) for at, count in windows(grid, of_group, sum) if count),
        )
        for group, of_group in bins.items()
    ]


def _count(
    view: View, table: str, offset: int, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid, bins: _Bins
) -> None:
    """Add one partition's; `offset`: the number at which the grid begins."""
    source, fits, given = _with_text(table, fold(filter.text or ""))
    where, values = conditions(filter)
    whole, size = (grid.last - grid.start) * TICKS, bin_size(grid) * TICKS
    number = f"({table}.id - {offset + 1}) / {size}" if size < whole else "0"
    columns = "".join(f", {_KEYS[key]}" for key in by)
    ids, order = f"{table}.id", ", ".join(["1", *(_KEYS[key] for key in by)])
    if set(by) <= {"component", "level"} and replace(filter, level=None, components=()) == LogFilter():
        # the index of these has all that is asked; of one window, in an order that needs no sorting
        source, ids = f"{table} INDEXED BY {table}_kind", f"+{table}.id"
        order = "grade, component" if number == "0" else order
    rows = view.connection.execute(
        f"SELECT {number}, count(*){columns} FROM {source} WHERE {ids} > ? AND {ids} <= ?{fits}{where} "
        f"GROUP BY {order}",
        (offset, offset + whole, *given, *values),
    )
    for one, count, *group in rows:
        of_group = bins.setdefault(tuple(group), {})
        of_group[one] = of_group.get(one, 0) + count


def _with_text(table: str, needle: str) -> tuple[str, str, list[Any]]:
    if not needle:
        return table, "", []
    fits, values = having(table, needle)
    if len(needle) < SHORT:
        return table, fits, values
    source = f"{table}_text JOIN {table} ON {table}.id = {table}_text.rowid"
    return source, f" AND {table}_text MATCH ?{fits}", [trigrams(needle), *values]


def _group(by: tuple[LogKey, ...], group: tuple[Any, ...]) -> dict[str, str]:
    return {
        key: _NAMES[value] if key == "level" else str(value) for key, value in zip(by, group, strict=True)
    }
