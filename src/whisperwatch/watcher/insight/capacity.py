"""When the bot runs out of what: what is in use of each limited thing, where that is going, and what to set to what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from whisperwatch.watcher.insight.budgets import BUDGETS, Budget, budgets, outlook, uncounted
from whisperwatch.watcher.insight.figures import Basis, Figure, Figures, ask
from whisperwatch.watcher.insight.leak import Leak, leak
from whisperwatch.watcher.insight.limits import LIMITED, Limited
from whisperwatch.watcher.insight.outlook import Resource, newest, resource
from whisperwatch.watcher.insight.scaling import QUESTIONS, Recommendation, recommendations
from whisperwatch.watcher.insight.starts import STARTS, Start, starts
from whisperwatch.watcher.query.asking import Asking

_DAY_S: Final = 86_400.0
_STEPS: Final = ((_DAY_S / 4, 300.0), (1.5 * _DAY_S, 900.0), (14 * _DAY_S, 3600.0))
"""Up to which period (seconds) points are how far apart."""
_LONGEST_STEP_S: Final = 7200.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Of everything that is limited.

    Attributes:
        resources: those that are full first, then by when they will be, then by what is in use of them.
        memory: whether the bot's process leaks.
        tokens: of language models, in the whole period.
        volume: records that the watcher took in, by signal, in the whole period.
        recommendations: what to set to what.
        unmeasured: what nothing is known of, and why.
        step_s: the distance of the points.
        times: the ends, in unix seconds, of the steps that the resources' points tell of.
        starts: of the bot, in this time.
    """

    basis: Basis
    resources: tuple[Resource, ...]
    memory: Leak
    tokens: Figure
    volume: Mapping[str, Figure]
    recommendations: tuple[Recommendation, ...]
    unmeasured: tuple[str, ...]
    step_s: float
    times: tuple[int, ...]
    starts: tuple[Start, ...]


async def capacity(asking: Asking, over_s: float) -> Capacity:
    """By the last `over_s` seconds.

    Raises:
        QuestionError: nobody keeps metrics, or the period means no time.
    """
    whole, set_ = await asyncio.gather(ask(asking, QUESTIONS, over_s), budgets(asking))
    over_s = min(over_s, whole.basis.over_s)
    questions = {"rss": "max(process.memory.usage)", "uptime": "min(process.uptime)", "starts": STARTS}
    for one in LIMITED:
        questions |= one.questions()
    questions |= {f"{one.sort} spent": one.used for one in BUDGETS}
    fine = await ask(asking, questions, over_s, _step(over_s))
    # a forecast takes some hundredths of a second, and others wait for the loop
    return await asyncio.to_thread(_report, whole, fine, set_)


def _report(whole: Figures, fine: Figures, set_: Mapping[str, Budget]) -> Capacity:
    step_s = fine.step_s("rss")
    found = {limited: tuple(_resources(limited, fine, step_s)) for limited in LIMITED}
    found |= {limited: tuple(_spending(limited, fine, set_, step_s)) for limited in BUDGETS}
    resources = tuple(sorted((one for of in found.values() for one in of), key=lambda one: one.urgency))
    unmeasured = tuple(
        f"{limited.name.replace('{}', '').strip()}: {limited.unless}"
        for limited, resources_of in found.items()
        if not resources_of
    )
    memory = leak(fine.trend("rss"), step_s, _restarts(fine.trend("uptime")))
    advice = tuple(recommendations(resources, memory, whole))
    return Capacity(
        replace(whole.basis, notes=(*whole.basis.notes, *uncounted(set_))),
        resources,
        memory,
        whole.figure("tokens"),
        whole.groups("received"),
        advice,
        unmeasured,
        step_s,
        fine.times("rss"),
        starts(fine.trends("starts"), whole.basis.start),
    )


def _step(over_s: float) -> float:
    return next((step_s for longest_s, step_s in _STEPS if over_s <= longest_s), _LONGEST_STEP_S)


def _resources(limited: Limited, fine: Figures, step_s: float) -> Iterator[Resource]:
    for group, points in fine.trends(f"{limited.sort} used").items():
        if isinstance(limited.limit, str):
            limit = newest(fine.trends(f"{limited.sort} limit").get(group, ()))
        else:
            limit = limited.limit
        made = resource(limited, group, points, limit, step_s)
        if made is not None:
            yield made


def _spending(
    limited: Limited, fine: Figures, set_: Mapping[str, Budget], step_s: float
) -> Iterator[Resource]:
    if limited.sort in set_:
        made = outlook(limited, set_[limited.sort], fine.trend(f"{limited.sort} spent"), step_s)
        if made is not None:
            yield made


def _restarts(uptime: Sequence[float | None]) -> list[int] | None:
    """Where a process was younger than before; None where its age isn't known."""
    found, before = [], None
    for at, age in enumerate(uptime):
        if age is None:
            continue
        if before is not None and age < before:
            found.append(at)
        before = age
    return None if before is None else found
