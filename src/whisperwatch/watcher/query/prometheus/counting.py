"""What was counted in long windows, by looking at a few moments (see `lives`) instead of at each sample.

This is good for what a bot's own process counts. For the time in which no `bot.start_time` was told, and where
processes come and go all the time, it is asked as any window is.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from whisperwatch import semconv
from whisperwatch.watcher.query.catalogue import Known
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus import lives
from whisperwatch.watcher.query.prometheus.api import Api, Result
from whisperwatch.watcher.query.prometheus.lives import PROCESS, End, Process, Sample, Span
from whisperwatch.watcher.query.prometheus.rendering import (
    BEFORE_S,
    Cells,
    cells,
    counted,
    duration,
    exact,
    milliseconds,
)
from whisperwatch.watcher.query.prometheus.selectors import quoted
from whisperwatch.watcher.query.shared import Shared

LONG_S: Final = 3600
"""From here on, a window is asked for so."""
_FRESH_S: Final = 5.0
"""How long it is believed who lived when: as long as the questions of one report take."""
_MOST_RESTLESS_S: Final = 3 * 86_400
_MOST_ENDS: Final = 200
_TOGETHER_MS: Final = 2 * 3_600_000
_BY_BOT: Final = {metric.name for metric in semconv.METRICS if metric.room == "bot"}


class Layout(NamedTuple):
    """A window's parts: those of which it is known who lived, the others, and the processes that ended."""

    start: int
    known: Sequence[Span]
    unknown: Sequence[Span]
    ends: Sequence[End]
    warnings: Sequence[str]
    """Of what it was made of."""


class _Laid(NamedTuple):
    """Since when (monotonic seconds) it is laid out."""

    since: float
    found: Shared[Layout | None]


class LongCounting:
    """Of one store.

    Args:
        ours: a label matcher of this bot's series; None asks for all.
    """

    def __init__(self, api: Api, ours: str | None) -> None:
        self._api, self._ours = api, ours
        self._layouts: dict[tuple[str, Span], _Laid] = {}

    @staticmethod
    def is_for(measure: Measure, metric: Known, grid: Grid) -> bool:
        """Whether it is one long window of what a bot's own process counts."""
        one_long = len(grid) == 1 and grid.window >= LONG_S
        return one_long and metric.name in _BY_BOT and bool(cells(measure, metric))

    async def ask(self, measure: Measure, metric: Known, grid: Grid, labels: Sequence[str]) -> Result:
        """What a measure is in a window, by groups; of a quantile the buckets that it is estimated of.

        Raises:
            EngineError: the store doesn't say.
        """
        window = Span(grid.last - grid.window, grid.last)
        layout = await self._layout(lives.starts(measure.where, self._ours), window)
        if layout is None:
            return await self._as_any(measure, metric, grid, labels)
        some = cells(measure, metric, self._ours)
        parts = await asyncio.gather(*[self._counted(one, layout, labels) for one in some])
        if some[-1].suffix != "_sum" and min(parts[-1].values.values(), default=0.0) < 0:
            return await self._as_any(measure, metric, grid, labels)  # something else has begun anew
        values = {group: value for group, value in parts[0].values.items() if group in parts[0].within}
        if measure.function == "rate":
            values = {group: value / grid.window for group, value in values.items()}
        elif measure.function == "avg":
            many = parts[1].values
            values = {
                group: value / many[group] for group, value in values.items() if many.get(group, 0.0) > 0
            }
        warned = (layout.warnings, *[part.warnings for part in parts])
        warnings = dict.fromkeys(itertools.chain.from_iterable(warned))
        return Result({group: [(grid.last, value)] for group, value in values.items()}, tuple(warnings))

    async def _as_any(self, measure: Measure, metric: Known, grid: Grid, labels: Sequence[str]) -> Result:
        return await self._api.ask(exact(measure, metric, grid.window, self._ours), grid, labels)

    async def _layout(self, starts: str, window: Span) -> Layout | None:
        now = time.monotonic()
        self._layouts = {
            key: one for key, one in self._layouts.items() if now - one.since < _FRESH_S and one.found.good
        }
        if (starts, window) not in self._layouts:
            self._layouts[starts, window] = _Laid(now, Shared(self._lay(starts, window)))
        return await self._layouts[starts, window].found.wait()

    async def _lay(self, starts: str, window: Span) -> Layout | None:
        piece = lives.piece_s(window)
        times = range(window.end, window.start, -piece)
        told = await self._api.ask(lives.restless(starts, piece), Grid(times[-1], times[0], piece, piece), ())
        many = dict(told.groups.get((), ()))
        pieces = {at: Span(max(window.start, at - piece), at) for at in reversed(times)}
        runs = lives.joined(span for at, span in pieces.items() if many.get(at))
        known = lives.joined(span for at, span in pieces.items() if at in many)
        unknown = lives.joined(span for at, span in pieces.items() if at not in many)
        if not known or sum(run.end - run.start for run in runs) > max(_MOST_RESTLESS_S, 2 * piece):
            return None
        samples: defaultdict[Process, set[Sample]] = defaultdict(set)
        warnings = dict.fromkeys(told.warnings)
        for found in await asyncio.gather(
            *[self._api.samples(starts, run, BEFORE_S, PROCESS) for run in runs]
        ):
            warnings |= dict.fromkeys(found.warnings)
            for process, some in found.series:
                samples[process].update(some)
        if any(len(some) != len({at for at, _ in some}) for some in samples.values()):
            return None  # processes that can't be told apart
        ends = lives.ends({process: sorted(some) for process, some in samples.items()}, runs)
        if len(ends) > _MOST_ENDS:
            return None
        return Layout(window.start, known, unknown, ends, tuple(warnings))

    async def _counted(self, some: Cells, layout: Layout, labels: Sequence[str]) -> _Counted:
        asked = list(moments(some, layout))
        answers = await asyncio.gather(
            *[self._api.ask(one.query, Grid(one.at, one.at, one.window, one.window), labels) for one in asked]
        )
        values: dict[tuple[str, ...], float] = {}
        within: set[tuple[str, ...]] = set()
        warnings: dict[str, None] = {}
        for moment, found in zip(asked, answers, strict=True):
            warnings |= dict.fromkeys(found.warnings)
            if moment.within:
                within.update(found.groups)
            for group, points in found.groups.items():
                for _, value in points:
                    values[group] = values.get(group, 0.0) + value
        return _Counted(values, within, tuple(warnings))


class _Counted(NamedTuple):
    """By the labels' values, and which of them were told of within the window."""

    values: dict[tuple[str, ...], float]
    within: set[tuple[str, ...]]
    warnings: Sequence[str]


class Moment(NamedTuple):
    """An expression, and the unix seconds to ask it at.

    Attributes:
        within: whether what it finds was told within the window.
        window: how many seconds it looks at.
    """

    at: int
    query: str
    within: bool = True
    window: int = BEFORE_S


def moments(some: Cells, layout: Layout) -> Iterator[Moment]:
    """What adds up to what was counted, by groups."""
    there = f"sum{some.by}(last_over_time({some.series()}[{duration(BEFORE_S)}]))"
    for known in layout.known:
        yield Moment(known.start, f"-{there}", within=False)
        yield Moment(known.end, there)
    for unknown in layout.unknown:
        window = unknown.end - unknown.start
        yield Moment(unknown.end, counted(some, window), window=window)
    for within in (True, False):
        ends = [end for end in layout.ends if (end.last > layout.start * 1000) == within]
        for at, near in _together(ends):
            yield Moment(at, _had(some, at, near), within)


def _together(ends: Sequence[End]) -> Iterator[tuple[int, list[End]]]:
    """Those that are near to each other, and the second after them."""
    near: list[End] = []
    for end in sorted(ends, key=lambda end: end.at):
        if near and end.at - near[0].at > _TOGETHER_MS:
            yield near[-1].at // 1000 + 1, near
            near = []
        near.append(end)
    if near:
        yield near[-1].at // 1000 + 1, near


def _had(some: Cells, at: int, ends: Sequence[End]) -> str:
    """All that processes had counted when they ended."""
    parts = []
    for number, end in enumerate(ends):
        process = [f"{label}={quoted(value)}" for label, value in zip(PROCESS, end.process, strict=True)]
        window = f"[{milliseconds(end.over)}] offset {milliseconds(at * 1000 - end.at)}"
        had = f"max_over_time({some.series(*process)}{window})"
        parts.append(f'label_replace({had}, "process", "{number}", "job", ".*")')
    return f"sum{some.by}({' or '.join(parts)})"
