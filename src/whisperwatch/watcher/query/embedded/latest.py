"""`last`: each series' newest sample at a time, not older than `LOOK_BACK_S`; of a group their sum."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from whisperwatch.watcher.query.embedded.selecting import Selection
from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.query.language.measures import LOOK_BACK_S
from whisperwatch.watcher.store.metrics.points import COARSE, FINE, RAW, Level
from whisperwatch.watcher.store.metrics.rolling import rolled
from whisperwatch.watcher.store.partitions import View

Found = dict[tuple[int, int], float]
"""By group and time."""
_JOURNAL: Final = "journal JOIN chosen USING (series)"


def latest(view: View, grid: Grid, selection: Selection) -> list[list[tuple[int, float]]]:
    """The points of each group.

    A rolled-up point of five minutes has just the sample that is looked for, at the time that it ends at; an hour's has
    it too. Other times look at the slots.
    """
    until, kept = rolled(view.connection), view.partitions(FINE.family)
    since = kept[0].start if kept else until.get(FINE.step, 0)
    fine = [at for at in grid if at % FINE.step == 0 and since < at <= until.get(FINE.step, 0)]
    coarse = [at for at in grid if at % COARSE.step == 0 and at <= min(since, until.get(COARSE.step, 0))]
    rest = sorted(set(grid).difference(fine, coarse))
    found = {**_at(view, FINE, fine, selection), **_at(view, COARSE, coarse, selection)}
    found |= _from_slots(view, rest, selection)
    return [
        [(at, found[group, at]) for at in grid if (group, at) in found]
        for group in range(len(selection.groups))
    ]


def _at(view: View, level: Level, times: list[int], selection: Selection) -> Found:
    found: Found = {}
    for moments, points in _moments(view, level, times):
        rows = view.connection.execute(
            f"WITH {selection.chosen}, {moments} SELECT grp, t, sum(last) FROM {points} GROUP BY 1, 2"
        )
        for group, at, value in rows:
            if value is not None:
                found[group, at] = found.get((group, at), 0.0) + value
    return found


def _moments(view: View, level: Level, times: list[int]) -> Iterator[tuple[str, str]]:
    """In SQL, of each partition: a table of the moments that are asked for, and the chosen series' points at them. At
    a moment within a slot there is none."""
    if not times:
        return
    for partition in view.partitions(level.family, times[0] - 1, times[-1]):
        slots = ",".join(
            f"({level.id_of(0, at)})"
            for at in times
            if at % level.step == 0 and partition.start < at <= partition.end
        )
        if slots:
            yield (
                f"moments(slot) AS (VALUES {slots})",
                f"chosen CROSS JOIN moments CROSS JOIN {partition.name} ON id = chosen.series * {level.slots} + slot",
            )


def _from_slots(view: View, times: list[int], selection: Selection) -> Found:
    """A series that lives has a sample in each slot: only where one is missing, older ones are looked at."""
    found: Found = {}
    if not times:
        return found
    by_series = _by_series(_samples_at(view, selection, times))
    missing = {key for key, samples in by_series.items() if len(samples) < len(times)}
    if missing or len(by_series) < sum(len(group.series) for group in selection.groups):
        by_series = _by_series(_samples_of(view, selection, times[0] - LOOK_BACK_S, times[-1]))
    for (group, _), by_time in by_series.items():
        index, samples = 0, sorted(by_time.items())
        for at in times:
            while index < len(samples) and samples[index][0] <= at:
                index += 1
            if index and samples[index - 1][0] > at - LOOK_BACK_S:
                found[group, at] = found.get((group, at), 0.0) + samples[index - 1][1]
    return found


def _by_series(rows: Iterable[tuple[int, int, int, float]]) -> dict[tuple[int, int], dict[int, float]]:
    """By group and series, then by time. Of one time, what is in order goes before what came late."""
    by_series: dict[tuple[int, int], dict[int, float]] = {}
    for group, series, t, last in rows:
        by_series.setdefault((group, series), {}).setdefault(t, last)
    return by_series


def _samples_at(view: View, selection: Selection, times: list[int]) -> Iterator[tuple[int, int, int, float]]:
    for moments, points in _moments(view, RAW, times):
        yield from _samples(view, f"{selection.chosen}, {moments}", points)
    yield from _samples(view, selection.chosen, _JOURNAL, f" AND t IN ({','.join(map(str, times))})")


def _samples_of(
    view: View, selection: Selection, start: int, end: int
) -> Iterator[tuple[int, int, int, float]]:
    """Of (start, end]."""
    for partition in view.partitions(RAW.family, start, end):
        within = RAW.within("chosen.series", partition, start, end)
        yield from _samples(view, selection.chosen, f"chosen CROSS JOIN {partition.name} ON {within}")
    yield from _samples(view, selection.chosen, _JOURNAL, f" AND t > {start} AND t <= {end}")


def _samples(view: View, tables: str, points: str, when: str = "") -> sqlite3.Cursor:
    """Rows of group, series, time and value."""
    return view.connection.execute(
        f"WITH {tables} SELECT grp, chosen.series, t, last FROM {points} WHERE last IS NOT NULL{when}"
    )
