"""Which level of points answers for which part of a question's time.

Coarse points are few, so they are taken wherever no window's edge falls within one; finer ones answer for the rest, and
for what isn't rolled up yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from whisperwatch.watcher.query.language import Grid
from whisperwatch.watcher.store.metrics.points import LEVELS, RAW, Level


@dataclass(frozen=True, slots=True)
class Piece:
    """(start, end] by the points of a level."""

    level: Level
    start: int
    end: int


def pieces(grid: Grid, until: Mapping[int, int], since: Mapping[int, int]) -> list[Piece]:
    """The parts of (grid.start, grid.last].

    Args:
        until: by a level's step, up to which time it has everything.
        since: by a level's step, from which time on.
    """
    found: list[Piece] = []
    left = [(grid.start, grid.last)]
    for finer, level in reversed(list(pairwise(LEVELS))):
        rest = []
        for start, end in left:
            oldest = since.get(finer.step)
            covered = _covered(grid, level.step, start, min(end, until.get(level.step, 0)), oldest)
            if covered is None:
                rest.append((start, end))
                continue
            found.append(Piece(level, *covered))
            rest += [(a, b) for a, b in ((start, covered[0]), (covered[1], end)) if a < b]
        left = rest
    return [*found, *(Piece(RAW, start, end) for start, end in left)]


def _covered(grid: Grid, step: int, start: int, end: int, finer: int | None) -> tuple[int, int] | None:
    """The part of (start, end] that points of a step answer for. `finer`: since when there are finer ones."""
    whole = -(-start // step) * step, end // step * step
    if whole[0] >= whole[1]:
        return None
    if len(grid) == 1 or not any(edge % step for edge in (grid.first, grid.step, grid.window)):
        return whole
    # windows' edges fall within its points: only where nothing finer is left
    if finer is None:
        return whole
    before = min(whole[1], finer // step * step)
    return (whole[0], before) if whole[0] < before else None
