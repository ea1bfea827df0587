"""The messages that are looked into: few enough to be read whole in a moment, spread over the time that is asked about.

The newest alone would tell of the last minute of a busy day, and the slowest alone of what is not usual. So the time is
cut into a few pieces, of which the newest are taken in turn; the slowest come beside them, to be told of by themselves.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.query.answers import Answer, Trace, TraceList
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import Period, TraceSearch
from whisperwatch.watcher.query.language.printing import seconds

ROOTS: Final = ("message", "interaction")
"""The roots for whose end somebody waits."""
PIECES: Final = 4
USUAL: Final = 40
SLOWEST: Final = 10
_WITHIN_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Whole traces of messages and interactions.

    Attributes:
        usual, before: spread over the period, and over the one before it (none, where not all of that are kept).
        slowest: of the period.
        notes, missing: what was done to the question, and what failed, in sentences.
    """

    usual: tuple[Trace, ...] = ()
    before: tuple[Trace, ...] = ()
    slowest: tuple[Trace, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


async def sample(asking: Asking, over_s: float) -> Sample:
    """Of the last `over_s` seconds, as far as every trace is kept. Nothing, where nobody keeps traces."""
    if not asking.traces_store or not asking.kept.every_trace_s > 0:
        return Sample()
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _sample(asking, over_s)
    except TimeoutError:
        return Sample(missing=(f"the traces took longer than {_WITHIN_S:g} s",))


def looked_into(asking: Asking, over_s: float) -> tuple[float, tuple[str, ...]]:
    """For how many of the last `over_s` seconds every trace is kept, and what is to be said where that is less."""
    every_s = asking.kept.every_trace_s
    if over_s <= every_s:
        return over_s, ()
    kept = "of traces older than {0} only the slow and the failed are kept: it was looked into the last {0}"
    return every_s, (kept.format(seconds(every_s)),)


def told_of(answers: Iterable[Answer]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was done to the questions, and what failed, in sentences, each once."""
    answers = tuple(answers)
    return _once(note for answer in answers for note in answer.notes), _problems(answers)


async def _sample(asking: Asking, over_s: float) -> Sample:
    now, every_s = asking.now(), asking.kept.every_trace_s
    looked_s, notes = looked_into(asking, over_s)
    recent = [asking.search(one) for one in _spread(looked_s, now)]
    earlier = [asking.search(one) for one in _spread(looked_s, now - looked_s) if 2 * looked_s <= every_s]
    slow = asking.search(TraceSearch(Period(looked_s), ROOTS, most=SLOWEST, slowest=True))
    *spread, slowest_ones = lists = await asyncio.gather(*recent, *earlier, slow)
    chosen = [_in_turn(some) for some in (spread[:PIECES], [slowest_ones], spread[PIECES:])]
    told = await asking.traces(tuple(dict.fromkeys(one for some in chosen for one in some)))
    by_id = {one.spans[0].trace_id: one for one in told.traces}
    usual, slowest, before = (tuple(by_id[one] for one in some if one in by_id) for some in chosen)
    said, _ = told_of((slowest_ones, told))
    return Sample(usual, before, slowest, (*notes, *said), _problems((*lists, told)))


def _spread(over_s: float, until: float) -> list[TraceSearch]:
    """The newest of each piece of the time before `until` (unix seconds)."""
    piece = over_s / PIECES
    return [TraceSearch(Period(piece, until - number * piece), ROOTS, most=USUAL) for number in range(PIECES)]


def _in_turn(lists: Iterable[TraceList]) -> list[str]:
    """The ids: the first of each, then the second of each, as long as there is room; none of who has no more."""
    turns = itertools.zip_longest(*[found.traces for found in lists])
    return [one.trace_id for turn in turns for one in turn if one is not None][:USUAL]


def _problems(answers: Iterable[Answer]) -> tuple[str, ...]:
    return _once(problem.what for answer in answers for problem in answer.problems)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
