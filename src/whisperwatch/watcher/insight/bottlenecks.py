"""What people wait for: whose the time is that messages take, what of it grew, and what to do about it.

Told by the critical paths of a sample of traces, for only those know what was waited for. Where there are none, metrics
tell how long the calls took, which is said; what grew and what is advised can come from metrics in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from whisperwatch.watcher.insight import advice, shares
from whisperwatch.watcher.insight.advice import Advice
from whisperwatch.watcher.insight.critical_path import root_of
from whisperwatch.watcher.insight.figures import Basis, Figure, Figures, ask
from whisperwatch.watcher.insight.sampled import Sample, sample
from whisperwatch.watcher.insight.shares import Share, Spent
from whisperwatch.watcher.query.answers import Trace
from whisperwatch.watcher.query.asking import Asking

TRACES: Final = "traces"
METRICS: Final = "metrics"
_COMPARABLE: Final = 10
"""Of fewer messages, now or before, chance decides what grew."""
_EXAMPLES: Final = 5
_OPERATIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Slow:
    """One of the slowest messages. `seconds` without what the bot waited for people; `share` is what `component` took
    of it, more than any other."""

    trace_id: str
    root: str
    seconds: float
    component: str
    share: float


@dataclass(frozen=True, slots=True)
class Bottlenecks:
    """Of messages and interactions, from their receipt to the end of the last thing that was done for them.

    Attributes:
        source: what `components` and `operations` are made of: `traces`, shares of the critical paths; or `metrics`,
            sums of all calls, where no traces of messages are kept.
        messages: how many were looked into; of metrics, how many were handled.
        per_message: what one takes, in seconds.
        components, operations: what took most first.
        grown: the components that take more of a message than in the period before; `grown_source` is as `source`.
        slowest: some of the slowest messages, the slowest first; none without traces.
        advice: what to do.
    """

    basis: Basis
    source: str
    messages: Figure
    per_message: Figure
    components: tuple[Share, ...]
    operations: tuple[Share, ...]
    grown: tuple[Share, ...]
    grown_source: str
    slowest: tuple[Slow, ...]
    advice: tuple[Advice, ...]


async def bottlenecks(asking: Asking, over_s: float) -> Bottlenecks:
    """Of the last `over_s` seconds.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    sampled, found = await asyncio.gather(
        sample(asking, over_s), ask(asking, {**shares.QUESTIONS, **advice.QUESTIONS}, over_s)
    )
    measured = (shares.of_metrics(found), shares.of_metrics(found, before=True))
    looked = (shares.of_traces(sampled.usual), shares.of_traces(sampled.before))
    source = TRACES if looked[0].messages else METRICS
    comparable = all((spent.messages or 0) >= _COMPARABLE for spent in looked)
    now, before = looked if source == TRACES else measured
    components = shares.by_component(now, before)
    return Bottlenecks(
        _basis(found, sampled, asking),
        source,
        Figure(now.messages, "{message}", before.messages or None),
        Figure(now.per_message, "s", before.per_message),
        components,
        shares.by_operation(now, before)[:_OPERATIONS],
        _grown(looked if comparable else measured),
        TRACES if comparable else METRICS,
        _slow(sampled.slowest),
        advice.advise(found, {one.name: one.share.value or 0.0 for one in components}),
    )


def _grown(compared: tuple[Spent, Spent]) -> tuple[Share, ...]:
    now, before = compared
    return shares.grown(shares.by_component(now, before), now.per_message)


def _basis(found: Figures, sampled: Sample, asking: Asking) -> Basis:
    basis = found.basis
    stores = dict.fromkeys(filter(None, (asking.traces_store, basis.store)))
    return replace(
        basis,
        store=" and ".join(stores),
        notes=(*basis.notes, *sampled.notes),
        missing=tuple(dict.fromkeys((*basis.missing, *sampled.missing))),
    )


def _slow(traces: Iterable[Trace]) -> tuple[Slow, ...]:
    found = [one for trace in traces if (one := _told(trace)) is not None]
    return tuple(sorted(found, key=lambda one: one.seconds, reverse=True)[:_EXAMPLES])


def _told(trace: Trace) -> Slow | None:
    root, spent = root_of(trace.spans), shares.of_traces((trace,))
    if root is None or not spent.total:
        return None
    most = shares.by_component(spent)[0]
    return Slow(root.trace_id, root.name, spent.total, most.name, most.share.value or 0.0)
