"""What a bot did, as a list, and what the store must say of it: the same in a few lines without any store."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.quantiles import quantile
from whisperwatch.watcher.records import Value
from whisperwatch.watcher.store.metrics import Identity, Keep, Metrics, Sample, Taken, slot_of
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.transactions import transaction

BOUNDS = (0.5, 1.5, 4.5)
Counted = float | tuple[float, ...]
Event = tuple[int, Identity, Counted]


@dataclass
class Process:
    """A process of an instance: what each of its series has counted so far."""

    instance: str
    start: int
    values: dict[Identity, Value] = field(default_factory=dict)


class World:
    """Bots whose every count is written into a store, and into a list.

    Events are (slot, identity, what): a counter's difference, a gauge's sample, a histogram's measurements.
    """

    def __init__(self, database: Database, keep: Keep) -> None:
        self.database = database
        self.waiting: list[Taken] = []
        self.metrics = Metrics(lambda: None, lambda: keep)
        self.events: list[Event] = []
        self.alive: set[tuple[Identity, int]] = set()
        """(series, slot) in which it could have counted."""

    def take(
        self, at: float, processes: Iterable[Process], changes: Iterable[tuple[Process, Identity, Counted]]
    ) -> None:
        """Write what changed up to a moment."""
        slot = slot_of(at)
        changed: dict[Identity, tuple[Process, Value]] = {}
        for process, identity, what in changes:
            process.values[identity] = _more(identity, process.values.get(identity), what)
            changed[identity] = process, process.values[identity]
            self.events.append((slot, identity, what))
        processes = list(processes)
        for process in processes:
            self.alive |= {(identity, slot) for identity in process.values}
        samples = tuple(
            Sample(identity, process.start, value, process.start)
            for identity, (process, value) in changed.items()
        )
        taken = Taken(at, samples, frozenset((process.instance, process.start) for process in processes))
        with transaction(self.database):
            self.metrics.write(self.database, taken)
        self.metrics.written(taken)

    def tend(self, now: float) -> None:
        """Drop what is old, and roll up."""
        for family, partition in self.metrics.expired(self.database, now):
            with transaction(self.database):
                self.database.drop(family, partition)
        self.metrics.tend(self.database, now)

    def answer(self, measure: Measure, grid: Grid) -> dict[tuple[tuple[str, ...], int], float]:
        """By group and time."""
        found = {}
        groups: dict[tuple[str, ...], list[Identity]] = {}
        for identity in {one for one, _ in self.alive} | {one for _, one, _ in self.events}:
            if identity.metric == measure.metric and _fits(measure, identity):
                attributes = {**dict(identity.attributes), "service.instance.id": identity.instance}
                groups.setdefault(tuple(attributes.get(key, "") for key in measure.by), []).append(identity)
        for group, identities in groups.items():
            own = set(identities)
            events = [event for event in self.events if event[1] in own]
            alive = {slot for one, slot in self.alive if one in own}
            for at in grid:
                value = _value(measure, events, alive, at, grid.window)
                if value is not None:
                    found[group, at] = value
        return found


def _value(measure: Measure, events: list[Event], alive: set[int], at: int, window: int) -> float | None:
    """Of the events of a group's series, and the slots in which any of these was alive."""
    inside = [what for slot, _, what in events if at - window < slot <= at]
    match measure.function:
        case "increase" | "rate":
            lived = any(at - window < slot <= at for slot in alive)
            counted = float(sum(len(what) if isinstance(what, tuple) else what for what in inside))
            return (counted / window if measure.function == "rate" else counted) if lived else None
        case "last":
            return _last(events, at)
        case "avg" | "max" | "min":
            numbers = [one for what in inside for one in (what if isinstance(what, tuple) else (what,))]
            if not numbers:
                return None
            return {"avg": sum(numbers) / len(numbers), "max": max(numbers), "min": min(numbers)}[
                measure.function
            ]
        case "sum":
            lived = any(at - window < slot <= at for slot in alive)
            return math.fsum(one for what in inside for one in what) if lived else None  # type: ignore[union-attr]
        case "quantile":
            counts = [0] * (len(BOUNDS) + 1)
            for what in inside:
                for one in what:  # type: ignore[union-attr]
                    counts[bisect_left(BOUNDS, one)] += 1
            cumulative = [sum(counts[: place + 1]) for place in range(len(counts))]
            assert measure.quantile is not None
            return quantile(measure.quantile, BOUNDS, cumulative)


def _last(events: list[Event], at: int) -> float | None:
    newest = {}
    for slot, one, what in events:
        if at - 300 < slot <= at:
            newest[one] = max(newest.get(one, (0, 0.0)), (slot, what), key=lambda pair: pair[0])
    return sum(value for _, value in newest.values()) if newest else None  # type: ignore[misc]


def _fits(measure: Measure, identity: Identity) -> bool:
    attributes = {**dict(identity.attributes), "service.instance.id": identity.instance}
    return all((attributes.get(one.attribute, "") in one.values) is not one.negated for one in measure.where)


def _more(identity: Identity, before: Value | None, what: Counted) -> Value:
    if identity.kind == "gauge":
        return (what,)
    if identity.kind == "counter":
        return ((before[0] if before else 0) + what,)
    count, total, _, _, buckets = before or (0, 0.0, None, None, (0,) * (len(BOUNDS) + 1))
    buckets = list(buckets)
    assert isinstance(what, tuple)
    for one in what:
        buckets[bisect_left(BOUNDS, one)] += 1
    return count + len(what), total + sum(what), None, None, tuple(buckets)
