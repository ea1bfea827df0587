"""The traces by which servers and channels are told apart, of a period and of the one before it.

Where there are more messages than can be read at once, a sample stands for them, with as many from each quarter of the
time as that had. The failed are looked for by themselves: in a sample there would be few.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from whisperwatch.watcher.insight.figures import ask
from whisperwatch.watcher.insight.sampled import PIECES, ROOTS, looked_into, told_of
from whisperwatch.watcher.query.answers import Trace, TraceList
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import Period, TraceSearch

HANDLED: Final = "increase(discord.messages.handled)"
_AT_ONCE: Final = {"embedded": 400}
_ONE_BY_ONE: Final = 100
"""Traces that are read: a store that gives one at a time is asked for fewer."""
_WITHIN_S: Final = 6.0
"""Both periods together."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked into of a period.

    Attributes:
        usual: spread over the time; None where not every trace of it is kept.
        whole: these are all that there were.
        failed: those in which something failed; None likewise.
        all_failed: the same of them.
        notes, missing: what was done to the question, and what failed, in sentences.
    """

    usual: tuple[Trace, ...] | None = None
    whole: bool = True
    failed: tuple[Trace, ...] | None = None
    all_failed: bool = True
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


async def look(asking: Asking, over_s: float) -> tuple[Looked, Looked]:
    """Of the last `over_s` seconds, and of the period before that as far as there is time for it."""
    if not asking.traces_store or not asking.kept.every_trace_s > 0:
        return Looked(missing=("nobody keeps traces here, and only they tell servers apart",)), Looked()
    now, until = asking.now(), asyncio.get_running_loop().time() + _WITHIN_S
    found = [Looked(missing=(f"the traces took longer than {_WITHIN_S:g} s",)), Looked()]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            found[0] = await _recent(asking, over_s, now)
            found[1] = await _earlier(asking, over_s, now - over_s)
    return found[0], found[1]


async def _recent(asking: Asking, over_s: float, now: float) -> Looked:
    looked_s, notes = looked_into(asking, over_s)
    most = _most(asking)
    amounts = (await _amounts(asking, looked_s, 1, most))[:PIECES]
    found = await _read(asking, _spread(now, looked_s, amounts), _failing(over_s, now, most))
    return replace(found, whole=found.whole and looked_s == over_s, notes=(*notes, *found.notes))


async def _earlier(asking: Asking, over_s: float, until: float) -> Looked:
    """Of that as much as is still kept, for the slow and the failed are kept for longer; and half as many traces, for
    nobody waits twice as long for a comparison."""
    kept, most = asking.kept, _most(asking) // 2
    spread, failing = None, None
    if 2 * over_s <= kept.every_trace_s:
        spread = _spread(until, over_s, (await _amounts(asking, over_s, 2, most))[PIECES:])
    if 2 * over_s <= kept.traces_s:
        failing = _failing(over_s, until, most)
    return await _read(asking, spread, failing) if spread or failing else Looked()


def _spread(until: float, over_s: float, amounts: Sequence[int]) -> list[TraceSearch]:
    piece = over_s / PIECES
    return [
        TraceSearch(Period(piece, until - number * piece), ROOTS, most=amount)
        for number, amount in enumerate(amounts)
    ]


def _failing(over_s: float, until: float, most: int) -> TraceSearch:
    return TraceSearch(Period(over_s, until), ROOTS, error=True, most=most)


async def _read(asking: Asking, spread: list[TraceSearch] | None, failing: TraceSearch | None) -> Looked:
    searches = [*(spread or ()), *([failing] if failing else [])]
    lists = await asyncio.gather(*map(asking.search, searches))
    pieces, failed = lists[: len(spread or ())], lists[len(spread or ()) :]
    chosen, broken = _ids(pieces), _ids(failed)
    told = await asking.traces(tuple(dict.fromkeys((*chosen, *broken))))
    by_id = {one.spans[0].trace_id: one for one in told.traces}
    notes, missing = told_of((*lists, told))
    return Looked(
        None if spread is None else tuple(by_id[one] for one in chosen if one in by_id),
        not _more(pieces) and len(by_id) == len({*chosen, *broken}),
        None if failing is None else tuple(by_id[one] for one in broken if one in by_id),
        not _more(failed),
        notes,
        missing,
    )


async def _amounts(asking: Asking, over_s: float, periods: int, most: int) -> list[int]:
    """How many are taken from each piece of the last periods, the newest first: as many as it had of all of its
    period, so none counts more than another."""
    pieces = PIECES * periods
    found = await ask(asking, {"handled": HANDLED}, over_s * periods, over_s / PIECES)
    counts = [count or 0.0 for count in reversed(found.trend("handled"))][:pieces]
    if len(counts) < pieces:
        return [most // PIECES] * pieces
    amounts = []
    for first in range(0, pieces, PIECES):
        period = counts[first : first + PIECES]
        amounts += [
            max(1, round(most * count / sum(period))) if sum(period) else most // PIECES for count in period
        ]
    return amounts


def _most(asking: Asking) -> int:
    return _AT_ONCE.get(asking.traces_store, _ONE_BY_ONE)


def _ids(lists: Iterable[TraceList]) -> list[str]:
    return [one.trace_id for found in lists for one in found.traces]


def _more(lists: Iterable[TraceList]) -> bool:
    return any(found.more for found in lists)
