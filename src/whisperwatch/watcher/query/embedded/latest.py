"""`last`: each series' newest sample at a time, not older than `LOOK_BACK_S`; of a group their sum."""

from __future__ import annotations

from collections.abc import Iterable

from whisperwatch.watcher.query.embedded.selecting import Selection
from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.query.language.measures import LOOK_BACK_S
from whisperwatch.watcher.store.metrics.points import COARSE, FINE, RAW, Level
from whisperwatch.watcher.store.metrics.rolling import rolled
from whisperwatch.watcher.store.partitions import View

Found = dict[tuple[int, int], float]
"""By group and time."""


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
    if not times:
        return found
    for partition in view.partitions(level.family, times[0] - 1, times[-1]):
        inside = [at for at in times if partition.start < at <= partition.end]
        if inside:
            moments = ",".join(f"({at})" for at in inside)
            rows = view.connection.execute(
                f"WITH {selection.chosen}, moments(t) AS (VALUES {moments}) SELECT grp, t, sum(last) FROM chosen "
                f"CROSS JOIN moments CROSS JOIN {partition.name} USING (series, t) GROUP BY 1, 2"
            )
            for group, at, value in rows:
                if value is not None:
                    found[group, at] = found.get((group, at), 0.0) + value
    return found


def _from_slots(view: View, times: list[int], selection: Selection) -> Found:
    """A series that lives has a sample in each slot: only where one is missing, older ones are looked at."""
    found: Found = {}
    if not times:
        return found
    by_series = _samples(view, selection, f"t IN ({','.join(map(str, times))})", times)
    missing = {key for key, samples in by_series.items() if len(samples) < len(times)}
    if missing or len(by_series) < sum(len(group.series) for group in selection.groups):
        by_series = _samples(view, selection, f"t > {times[0] - LOOK_BACK_S} AND t <= {times[-1]}", times)
    for (group, _), samples in by_series.items():
        index = 0
        for at in times:
            while index < len(samples) and samples[index][0] <= at:
                index += 1
            if index and samples[index - 1][0] > at - LOOK_BACK_S:
                found[group, at] = found.get((group, at), 0.0) + samples[index - 1][1]
    return found


def _samples(
    view: View, selection: Selection, when: str, times: list[int]
) -> dict[tuple[int, int], list[tuple[int, float]]]:
    """By group and series, the samples of these times, in order."""
    by_series: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for table in _tables(view, times):
        join = "journal JOIN chosen" if table == "journal" else f"chosen CROSS JOIN {table}"
        rows = view.connection.execute(
            f"WITH {selection.chosen} SELECT grp, series, t, last FROM {join} USING (series) "
            f"WHERE {when} AND last IS NOT NULL ORDER BY series, t"
        )
        for group, series, t, last in rows:
            by_series.setdefault((group, series), []).append((t, last))
    return by_series


def _tables(view: View, times: list[int]) -> Iterable[str]:
    for partition in view.partitions(RAW.family, times[0] - LOOK_BACK_S, times[-1]):
        yield partition.name
    yield "journal"
