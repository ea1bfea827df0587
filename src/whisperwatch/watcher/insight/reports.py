"""The reports that there are, by name: what the commands, the terminal and the report API choose from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from whisperwatch.watcher.insight import (
    bottlenecks,
    capacity,
    memory_use,
    performance,
    places,
    resources,
    spending,
    usage,
)
from whisperwatch.watcher.query.asking import Asking

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of report.

    Attributes:
        help: what it says, in a sentence.
        returns: what `make` returns, a frozen dataclass with a `basis`.
        make: makes it of one who asks, the seconds to look back over, and one of `of` ("" without those).
        over_s: how far back it looks unless said, in seconds.
        of: the things that it can be of, one of which has to be named.
    """

    help: str
    returns: type
    make: Callable[[Asking, float, str], Awaitable[Any]]
    over_s: float = HOUR_S
    of: tuple[str, ...] = ()


REPORTS: Final[Mapping[str, Kind]] = {
    "performance": Kind(
        "How fast the bot answers, how often it fails, by component and by command.",
        performance.Performance,
        lambda asking, over_s, _: performance.performance(asking, over_s),
    ),
    "response-times": Kind(
        "P50, P95 and P99 of all that is timed: the same figures as `performance`, as another page.",
        performance.Performance,
        lambda asking, over_s, _: performance.performance(asking, over_s),
    ),
    "performance-history": Kind(
        "Times, answers and failures in two dozen points.",
        performance.History,
        lambda asking, over_s, _: performance.history(asking, over_s),
        DAY_S,
    ),
    "performance-component": Kind(
        "One component, and what of it takes longest.",
        performance.Component,
        lambda asking, over_s, name: performance.component(asking, name, over_s),
        of=tuple(performance.COMPONENTS),
    ),
    "resources": Kind(
        "CPU, memory, disk, network, and what keeps the event loop waiting.",
        resources.Resources,
        lambda asking, over_s, _: resources.resources(asking, over_s),
    ),
    "memory-analysis": Kind(
        "Whether the bot's process leaks memory, and what its garbage collector does.",
        memory_use.MemoryUse,
        lambda asking, over_s, _: memory_use.memory_use(asking, over_s),
        WEEK_S,
    ),
    "capacity": Kind(
        "What is in use of each limited thing, when it is full, whether memory leaks, and what to set to what.",
        capacity.Capacity,
        lambda asking, over_s, _: capacity.capacity(asking, over_s),
        WEEK_S,
    ),
    "bottlenecks": Kind(
        "What messages wait for, by component and by operation, what of it grew, and what to do about it.",
        bottlenecks.Bottlenecks,
        lambda asking, over_s, _: bottlenecks.bottlenecks(asking, over_s),
    ),
    "cost": Kind(
        "Tokens and money of language models, by model and by feature, and what a month would take.",
        spending.Spending,
        lambda asking, over_s, _: spending.spending(asking, over_s),
        DAY_S,
    ),
    "top": Kind(
        "The servers and channels with most messages, failures and tokens, by keyed hashes of their ids.",
        places.Places,
        lambda asking, over_s, _: places.places(asking, over_s),
        DAY_S,
    ),
    "engagement": Kind(
        "Active users, conversations, feedback, features.",
        usage.Engagement,
        lambda asking, over_s, _: usage.engagement(asking, over_s),
        DAY_S,
    ),
    "cache": Kind(
        "Hits, look-ups and evictions, by cache.",
        usage.Caches,
        lambda asking, over_s, _: usage.caches(asking, over_s),
        DAY_S,
    ),
    "memory": Kind(
        "Operations of the bot's memory: how many, how fast, how well.",
        usage.MemorySystem,
        lambda asking, over_s, _: usage.memory(asking, over_s),
        DAY_S,
    ),
}
