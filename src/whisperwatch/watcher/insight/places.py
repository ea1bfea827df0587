"""Where the bot is used most: the servers and channels with most messages, failures and tokens.

No metric may say so, for ids are without end: it is told by traces, whose roots carry keyed hashes of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.insight.critical_path import root_of
from whisperwatch.watcher.insight.figures import Basis, Figure, ask
from whisperwatch.watcher.insight.place_traces import HANDLED, Looked, look
from whisperwatch.watcher.insight.shares import of_traces
from whisperwatch.watcher.query.answers import Trace
from whisperwatch.watcher.query.asking import Asking

_RANKED: Final = 5
_CHANCE: Final = 2.0
"""Standard deviations that two samples differ by, at least, for it to be called a change."""
_TOKENS: Final = (semconv.GEN_AI_INPUT_TOKENS, semconv.GEN_AI_OUTPUT_TOKENS)
_MESSAGE: Final = "{message}"
_Where = tuple[str, str]
_EVERYWHERE: Final = "", ""


@dataclass(frozen=True, slots=True)
class Place:
    """A server, or a channel of it. What a figure was before isn't known where not all of that is kept, or where two
    samples differ by no more than chance.

    Attributes:
        guild: its keyed hash; empty of direct messages, which are one place.
        channel: likewise; empty of a whole server.
        messages: with interactions; `seconds` is what they took together, without waiting for people.
        failed: how many had something that failed; `tokens` of language models, asked and answered with.
    """

    guild: str
    channel: str
    messages: Figure
    seconds: Figure
    failed: Figure
    tokens: Figure

    @property
    def seconds_each(self) -> Figure:
        """What a message took, on average."""
        now, before = self.messages.value, self.messages.before
        was = self.seconds.before
        return Figure(
            self.seconds.value / now if self.seconds.value is not None and now else None,
            "s",
            was / before if was is not None and before else None,
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Where the bot is used.

    Attributes:
        handled: messages and interactions that the bot answered in the period.
        together: of all places, what was looked into.
        whole: all that happened was looked into; else `messages`, `seconds` and `tokens` are of a sample, and what they
            were before is of as large a part of that.
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


@dataclass(slots=True)
class _Sum:
    messages: int = 0
    seconds: float = 0.0
    failed: int = 0
    tokens: int = 0


_Sums = dict[_Where, _Sum]
_NOTHING: Final = _Sum()


@dataclass(slots=True)
class _Counted:
    """The sums of what was looked into: of all, by server, and by channel of a server."""

    whole: _Sum = field(default_factory=_Sum)
    guilds: _Sums = field(default_factory=dict)
    channels: _Sums = field(default_factory=dict)

    def at(self, where: _Where) -> tuple[_Sum, ...]:
        """All that a message there counts for."""
        sums = [self.whole, self.guilds.setdefault((where[0], ""), _Sum())]
        return (*sums, self.channels.setdefault(where, _Sum())) if where[0] else tuple(sums)


@dataclass(frozen=True, slots=True)
class _Beside:
    """How the period before is compared with this one.

    Attributes:
        factor: how many of this one's a message of it stands for; None where it can't be compared.
        exact: both are whole; else what differs by chance alone is no change.
        failed: the failed of both are all known.
    """

    factor: float | None
    exact: bool
    failed: bool

    def place(self, where: _Where, now: _Sum, before: _Sum) -> Place:
        """Its figures, with what they were."""
        tells = self._beyond(now, before)
        return Place(
            *where,
            self._figure(now.messages, before.messages, _MESSAGE, tells),
            self._figure(now.seconds, before.seconds, "s", tells),
            Figure(float(now.failed), _MESSAGE, float(before.failed) if self.failed else None),
            self._figure(now.tokens, before.tokens, "{token}", tells),
        )

    def _beyond(self, now: _Sum, before: _Sum) -> float | None:
        """Relative to their mean, the least difference that isn't chance; None where there is nothing to compare."""
        if self.exact:
            return 0.0
        if not now.messages or not before.messages:
            return None
        return _CHANCE * sqrt(1 / now.messages + 1 / before.messages)

    def _figure(self, now: float, before: float, unit: str, beyond: float | None) -> Figure:
        if self.factor is None or beyond is None:
            return Figure(float(now), unit)
        was = before * self.factor
        return Figure(float(now), unit, was if abs(now - was) >= beyond * (now + was) / 2 else None)


async def places(asking: Asking, over_s: float) -> Places:
    """Of the last `over_s` seconds.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    (recent, earlier), found = await asyncio.gather(
        look(asking, over_s), ask(asking, {"handled": HANDLED}, over_s)
    )
    # a thousand traces take a tenth of a second, and others wait for the loop
    now, before = await asyncio.to_thread(lambda: (_counted(recent), _counted(earlier)))
    handled = found.figure("handled")
    beside = _beside(recent, earlier, now.whole.messages, before.whole.messages, handled)
    basis = replace(
        found.basis,
        store=" and ".join(dict.fromkeys(filter(None, (asking.traces_store, found.basis.store)))),
        notes=(*found.basis.notes, *recent.notes),
        missing=tuple(dict.fromkeys((*found.basis.missing, *recent.missing))),
    )
    return Places(
        basis,
        handled,
        beside.place(_EVERYWHERE, now.whole, before.whole),
        recent.whole,
        recent.all_failed,
        _first(now.guilds, before.guilds, beside),
        _first(now.channels, before.channels, beside),
    )


def _beside(recent: Looked, earlier: Looked, now: int, before: int, handled: Figure) -> _Beside:
    known = not recent.missing and not earlier.missing
    failed = known and earlier.failed is not None and earlier.all_failed and recent.all_failed
    if earlier.usual is None or not known:
        return _Beside(None, exact=False, failed=failed)
    if recent.whole and earlier.whole:
        return _Beside(1.0, exact=True, failed=failed)
    if not (now and before and handled.value and handled.before):
        return _Beside(None, exact=False, failed=failed)
    return _Beside((handled.before / before) / (handled.value / now), exact=False, failed=failed)


def _counted(looked: Looked) -> _Counted:
    found = _Counted()
    for trace in looked.usual or ():
        if (root := root_of(trace.spans)) is not None:
            seconds, tokens = of_traces((trace,)).total, _tokens(trace)
            for one in found.at(_where(root.attributes)):
                one.messages += 1
                one.seconds += seconds
                one.tokens += tokens
    for trace in looked.failed or ():
        if (root := root_of(trace.spans)) is not None:
            for one in found.at(_where(root.attributes)):
                one.failed += 1
    return found


def _tokens(trace: Trace) -> int:
    return sum(_whole(span.attributes.get(key)) for span in trace.spans for key in _TOKENS)


def _where(attributes: Mapping[str, Any]) -> _Where:
    guild = str(attributes.get(semconv.GUILD_ID) or "")
    return guild, str(attributes.get(semconv.CHANNEL_ID) or "") if guild else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _first(now: _Sums, before: _Sums, beside: _Beside) -> tuple[Place, ...]:
    each = [beside.place(where, sums, before.get(where, _NOTHING)) for where, sums in now.items()]
    first = dict.fromkeys(place for rank in RANKS.values() for place in ranked(each, rank))
    return tuple(sorted(first, key=RANKS["messages"], reverse=True))


def ranked(found: Iterable[Place], rank: Callable[[Place], float]) -> tuple[Place, ...]:
    """The first of them; none that has nothing of it."""
    return tuple(sorted((one for one in found if rank(one)), key=rank, reverse=True)[:_RANKED])


RANKS: Final[Mapping[str, Callable[[Place], float]]] = {
    "messages": lambda one: one.messages.value or 0.0,
    "failed": lambda one: one.failed.value or 0.0,
    "tokens": lambda one: one.tokens.value or 0.0,
}
"""By what places are told apart."""
