"""Where the bot is used most: the servers and channels with most messages, failures and tokens.

No metric may say so, for ids are without end: it is told by traces, whose roots carry keyed hashes of them. Where there
are more messages than can be read at once, a sample stands for them, with as many from each quarter of the time as that
had. The failed are looked for by themselves: in a sample there would be few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.insight.critical_path import root_of
from whisperwatch.watcher.insight.figures import Basis, Figure, ask
from whisperwatch.watcher.insight.sampled import PIECES, ROOTS, looked_into, told_of
from whisperwatch.watcher.insight.shares import of_traces
from whisperwatch.watcher.query.answers import Trace, TraceList
from whisperwatch.watcher.query.asking import Asking
from whisperwatch.watcher.query.language import Period, TraceSearch

_AT_ONCE: Final = {"embedded": 1000}
_ONE_BY_ONE: Final = 100
"""Traces that are read: a store that gives one at a time is asked for fewer."""
_RANKED: Final = 5
_WITHIN_S: Final = 6.0
_HANDLED: Final = "increase(discord.messages.handled)"
_TOKENS: Final = (semconv.GEN_AI_INPUT_TOKENS, semconv.GEN_AI_OUTPUT_TOKENS)


@dataclass(frozen=True, slots=True)
class Place:
    """A server, or a channel of it.

    Attributes:
        guild: its keyed hash; empty of direct messages, which are one place.
        channel: likewise; empty of a whole server.
        messages: with interactions; `seconds` is what they took together, without waiting for people.
        failed: how many had something that failed; `tokens` of language models, asked and answered with.
    """

    guild: str
    channel: str
    messages: int = 0
    seconds: float = 0.0
    failed: int = 0
    tokens: int = 0

    def __add__(self, other: Place) -> Place:
        return replace(
            self,
            messages=self.messages + other.messages,
            seconds=self.seconds + other.seconds,
            failed=self.failed + other.failed,
            tokens=self.tokens + other.tokens,
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Where the bot is used.

    Attributes:
        handled: messages and interactions that the bot answered in the period.
        together: of all places, what was looked into.
        whole: all that happened was looked into; else `messages`, `seconds` and `tokens` are of a sample.
        all_failed: the same of `failed`.
        guilds, channels: the first of each by messages, failures or tokens; those with most messages first.
    """

    basis: Basis
    handled: Figure
    together: Place
    whole: bool
    all_failed: bool
    guilds: tuple[Place, ...]
    channels: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    usual: tuple[Trace, ...] = ()
    failed: tuple[Trace, ...] = ()
    whole: bool = True
    all_failed: bool = True
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


async def places(asking: Asking, over_s: float) -> Places:
    """Of the last `over_s` seconds.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    read, found = await asyncio.gather(_read(asking, over_s), ask(asking, {"handled": _HANDLED}, over_s))
    # a thousand traces take a tenth of a second, and others wait for the loop
    each = await asyncio.to_thread(lambda: [*map(_of_usual, read.usual), *map(_of_failed, read.failed)])
    basis = replace(
        found.basis,
        store=" and ".join(dict.fromkeys(filter(None, (asking.traces_store, found.basis.store)))),
        notes=(*found.basis.notes, *read.notes),
        missing=tuple(dict.fromkeys((*found.basis.missing, *read.missing))),
    )
    return Places(
        basis,
        found.figure("handled"),
        sum(each, Place("", "")),
        read.whole,
        read.all_failed,
        _first(each, lambda one: (one.guild, "")),
        _first((one for one in each if one.guild), lambda one: (one.guild, one.channel)),
    )


async def _read(asking: Asking, over_s: float) -> _Read:
    if not asking.traces_store or not asking.kept.every_trace_s > 0:
        return _Read(missing=("nobody keeps traces here, and only they tell servers apart",))
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _read_all(asking, over_s)
    except TimeoutError:
        return _Read(missing=(f"the traces took longer than {_WITHIN_S:g} s",))


async def _read_all(asking: Asking, over_s: float) -> _Read:
    looked_s, notes = looked_into(asking, over_s)
    most = _AT_ONCE.get(asking.traces_store, _ONE_BY_ONE)
    now, piece = asking.now(), looked_s / PIECES
    amounts = await _amounts(asking, looked_s, most)
    searches = [
        TraceSearch(Period(piece, now - number * piece), ROOTS, most=amount)
        for number, amount in enumerate(amounts)
    ]
    failing = TraceSearch(Period(over_s), ROOTS, error=True, most=most)
    *spread, failed = lists = await asyncio.gather(*map(asking.search, (*searches, failing)))
    usual = [one.trace_id for found in spread for one in found.traces]
    broken = [one.trace_id for one in failed.traces]
    told = await asking.traces(tuple(dict.fromkeys((*usual, *broken))))
    by_id = {one.spans[0].trace_id: one for one in told.traces}
    said, missing = told_of((*lists, told))
    return _Read(
        tuple(by_id[one] for one in usual if one in by_id),
        tuple(by_id[one] for one in broken if one in by_id),
        looked_s == over_s and not _more(spread) and len(by_id) == len({*usual, *broken}),
        not _more([failed]),
        (*notes, *said),
        missing,
    )


async def _amounts(asking: Asking, looked_s: float, most: int) -> Sequence[int]:
    """How many are taken from each piece of the time, the newest first: as many as it had of all, so none counts
    more than another."""
    found = await ask(asking, {"handled": _HANDLED}, looked_s, looked_s / PIECES)
    counts = [count or 0.0 for count in reversed(found.trend("handled"))][:PIECES]
    if len(counts) < PIECES or not sum(counts):
        return [most // PIECES] * PIECES
    return [max(1, round(most * count / sum(counts))) for count in counts]


def _more(lists: Iterable[TraceList]) -> bool:
    return any(found.more for found in lists)


def _of_usual(trace: Trace) -> Place:
    root = root_of(trace.spans)
    if root is None:
        return Place("", "")
    tokens = sum(_whole(span.attributes.get(key)) for span in trace.spans for key in _TOKENS)
    return replace(_where(root.attributes), messages=1, seconds=of_traces((trace,)).total, tokens=tokens)


def _of_failed(trace: Trace) -> Place:
    root = root_of(trace.spans)
    return Place("", "") if root is None else replace(_where(root.attributes), failed=1)


def _where(attributes: Mapping[str, Any]) -> Place:
    guild = str(attributes.get(semconv.GUILD_ID) or "")
    return Place(guild, str(attributes.get(semconv.CHANNEL_ID) or "") if guild else "")


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _first(each: Iterable[Place], key: Callable[[Place], tuple[str, str]]) -> tuple[Place, ...]:
    sums: dict[tuple[str, str], Place] = {}
    for one in each:
        where = key(one)
        sums[where] = sums.get(where, Place(*where)) + one
    first = dict.fromkeys(place for rank in RANKS.values() for place in ranked(sums.values(), rank))
    return tuple(sorted(first, key=lambda one: one.messages, reverse=True))


def ranked(found: Iterable[Place], rank: Callable[[Place], float]) -> tuple[Place, ...]:
    """The first of them; none that has nothing of it."""
    return tuple(sorted((one for one in found if rank(one)), key=rank, reverse=True)[:_RANKED])


RANKS: Final[Mapping[str, Callable[[Place], float]]] = {
    "messages": lambda one: one.messages,
    "failed": lambda one: one.failed,
    "tokens": lambda one: one.tokens,
}
"""By what places are told apart."""
