"""Whether anybody of a group was there: who was, and counted nothing, counted 0."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from whisperwatch.watcher.query.embedded.selecting import Selection
from whisperwatch.watcher.store.partitions import View

Alive = Callable[[int, int], bool]
"""Whether any series was there in (start, end], unix seconds."""


def lives(view: View, selection: Selection) -> list[Alive]:
    """Of each group."""
    spans: list[list[tuple[int, int]]] = [[] for _ in selection.groups]
    rows = view.connection.execute(
        f"WITH {selection.chosen} SELECT DISTINCT grp, born, ended FROM chosen CROSS JOIN births USING (series) "
        "JOIN lives ON lives.id = life"
    )
    for group, born, ended in rows:
        spans[group].append((born, ended))
    return [_alive(of_group) for of_group in spans]


def _alive(spans: list[tuple[int, int]]) -> Alive:
    ordered = sorted(spans)
    starts = [start for start, _ in ordered]
    furthest: list[int] = []
    for _, end in ordered:
        furthest.append(max(end, furthest[-1] if furthest else end))

    def alive(start: int, end: int) -> bool:
        at = bisect_right(starts, end) - 1
        return at >= 0 and furthest[at] > start

    return alive
