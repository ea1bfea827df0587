"""Which setting to set to what, each with the numbers that say so. Nothing is recommended that no figure speaks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Final

from whisperwatch.watcher.insight.figures import Figure, Figures
from whisperwatch.watcher.insight.leak import Leak
from whisperwatch.watcher.insight.outlook import Resource

_POOL: Final = "by db.client.connection.pool.name"
QUESTIONS: Final = {
    "tokens": "sum(gen_ai.client.token.usage)",
    "received": "increase(whisperwatch.received) by signal",
    "pool pending": f"max(db.client.connection.pending_requests) {_POOL}",
    "pool given up": f"increase(db.client.connection.timeouts) {_POOL}",
    "pool wait": f"p95(db.client.connection.wait_time) {_POOL}",
    "disk size": "last(system.filesystem.usage) by system.filesystem.mountpoint",
    "memory size": "last(system.memory.limit)",
    "cpus": "last(system.cpu.limit)",
    "guilds": "last(discord.guilds)",
    "store dropped": "increase(whisperwatch.store.dropped)",
}
"""What is asked of the whole period beside what is limited."""
_DAY_S: Final = 86_400.0
_NEAR: Final = 0.8
"""From this share of a limit on, something is to be done whatever is forecast."""
_SOON_S: Final = 30 * _DAY_S
WAIT_S: Final = 0.05
"""A P95 of the wait for a connection from which on a pool is too small."""
FILLED: Final = 0.75
"""How full a thing is to be when what is forecast has come."""
_GUILDS_A_SHARD: Final = 1000
"""What Discord itself recommends when it says how many shards a bot should have."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to set to what.

    Attributes:
        of: the thing that it is for.
        setting: what it is called where it is set.
        value, now: what it should be, and what it is, if that is known.
        because: the numbers that say so, by what they are.
    """

    of: str
    setting: str
    value: Figure
    now: Figure
    because: Mapping[str, Figure]


def recommendations(resources: Sequence[Resource], memory: Leak, whole: Figures) -> Iterator[Recommendation]:
    """What the figures speak for; `whole` answers `QUESTIONS`."""
    for one in resources:
        advise = _ADVICE.get(one.sort)
        found = advise(one, whole) if advise is not None else None
        if found is not None:
            yield found
        if one.sort == "process memory" and memory.verdict == "leaks" and (made := _restart(one, memory)):
            yield made


def _restart(one: Resource, memory: Leak) -> Recommendation | None:
    """Until the leak is found, a planned restart before the memory is used up."""
    least = min((point for point in one.points if point is not None), default=None)
    if least is None or not one.limit.value or not memory.a_day:
        return None
    days = floor((one.limit.value * _NEAR - least) / memory.a_day)
    because = {
        "after a restart": Figure(least, "By"), "growth a day": Figure(memory.a_day, "By"), "limit": one.limit,
    }  # fmt: skip
    if not 1 <= days <= 60:
        return None
    return Recommendation(
        one.name, "a planned restart, until the leak is found, every", Figure(days, "d"), Figure(), because
    )


def _pool(one: Resource, whole: Figures) -> Recommendation | None:
    """As many as were wanted at once, those that waited included."""
    none = Figure()
    pending, given_up, wait = (
        whole.groups(f"pool {what}").get(one.of, none) for what in ("pending", "given up", "wait")
    )
    limit, wanted = one.limit.value, _coming(one) + (pending.value or 0.0)
    waited = bool(given_up.value) or (wait.value or 0.0) >= WAIT_S
    if not limit or not (waited or wanted >= _NEAR * limit):
        return None
    value = max(ceil(wanted / FILLED), floor(limit) + 1)
    because = {
        "in use at most": one.peak, "waiting at most": pending, "P95 of the wait": wait, "given up": given_up,
    }  # fmt: skip
    return _advice(one, "DATABASE_POOL_SIZE, or the pool's max_size", Figure(value, one.limit.unit), because)


def _disk(one: Resource, whole: Figures) -> Recommendation | None:
    return _larger(one, "the disk's size", whole.groups("disk size").get(one.of, Figure(unit="By")))


def _memory(one: Resource, whole: Figures) -> Recommendation | None:
    return _larger(one, "the memory of the machine, or the container's limit", whole.figure("memory size"))


def _cpu(one: Resource, whole: Figures) -> Recommendation | None:
    found = _larger(one, "the CPUs of the machine, or the container's quota", whole.figure("cpus"))
    return found and _rounded(found, ceil(found.value.value or 0))


def _store(one: Resource, whole: Figures) -> Recommendation | None:
    """A store that is full drops the oldest: that alone speaks for more."""
    dropped = whole.figure("store dropped")
    limit = one.limit.value
    if not limit or not dropped.value:
        return None
    value = Figure(ceil(limit * 2 / 1e9) * 1e9, "By")
    because = {"in use": one.used, "parts dropped before their time": dropped}
    return _advice(one, "WHISPERWATCH_STORE_SIZE", value, because)


def _files(one: Resource, _: Figures) -> Recommendation | None:
    if not _pressing(one):
        return None
    value = 2 ** ceil(log2(_coming(one) * 2))
    return _advice(one, "LimitNOFILE, or ulimit -n", Figure(value, one.limit.unit), _told(one))


def _guilds(one: Resource, whole: Figures) -> Recommendation | None:
    guilds = whole.figure("guilds")
    if not _pressing(one) or not guilds.value or not one.used.value:
        return None
    grown = guilds.value * max(1.0, _coming(one) / one.used.value)
    value = Figure(ceil(grown / _GUILDS_A_SHARD), "{shard}")
    return Recommendation(one.name, "shard_count", value, Figure(), {**_told(one), "servers in all": guilds})


_ADVICE: Final[Mapping[str, Callable[[Resource, Figures], Recommendation | None]]] = {
    "pool": _pool, "disk": _disk, "memory": _memory, "cpu": _cpu, "store": _store, "files": _files, "guilds": _guilds,
}  # fmt: skip


def _larger(one: Resource, setting: str, size: Figure) -> Recommendation | None:
    """A size at which what is coming fills three quarters."""
    if not _pressing(one) or size.value is None:
        return None
    share = _coming(one)
    value = Figure(size.value * max(share / FILLED, 1.1), size.unit)
    return Recommendation(one.name, setting, value, Figure(size.value, size.unit), _told(one))


def _rounded(found: Recommendation, value: float) -> Recommendation:
    return Recommendation(found.of, found.setting, Figure(value, found.value.unit), found.now, found.because)


def _advice(one: Resource, setting: str, value: Figure, because: Mapping[str, Figure]) -> Recommendation:
    return Recommendation(one.name, setting, value, one.limit, because)


def _pressing(one: Resource) -> bool:
    """It is near its limit, or expected to be there within a month, by a forecast that was tried so far."""
    limit = one.limit.value
    if limit and one.peak.value is not None and one.peak.value >= _NEAR * limit:
        return True
    soon = one.full is not None and one.full.expected is not None and one.full.expected <= _SOON_S
    return soon and one.confidence != "low"


def _coming(one: Resource) -> float:
    """What is expected at most: the peak so far, or what is foreseen."""
    return max([one.peak.value or 0.0, *(ahead.expected for ahead in one.foreseeable)])


def _told(one: Resource) -> dict[str, Figure]:
    told = {"in use": one.used, "at most": one.peak}
    for ahead in one.foreseeable[-1:]:
        told[f"expected in {ahead.in_s / _DAY_S:.0f} days"] = Figure(ahead.expected, one.used.unit)
    return told
