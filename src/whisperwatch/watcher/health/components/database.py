"""Databases: what they answer the watcher, what the bot's own queries did, and whether its pools are stuck."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from whisperwatch.watcher.health.probes.prober import Probe
from whisperwatch.watcher.health.report import Number, Part, Status
from whisperwatch.watcher.health.trends import quantile

from .scene import DB_SYSTEM, VECTOR_STORES, Calls, Scene, by, not_configured, part_of, seconds

DURATION: Final = "db.client.operation.duration"
_COUNT, _MAX = "db.client.connection.count", "db.client.connection.max"
_PENDING, _WAIT = "db.client.connection.pending_requests", "db.client.connection.wait_time"
METRICS: Final = (DURATION, _WAIT)
_POOL: Final = "db.client.connection.pool.name"
_LONG_WAIT_S: Final = 1.0


def judge(scene: Scene) -> list[Part]:
    """A part for each server, each system that was queried, and each pool."""
    parts = [*_servers(scene), *_queries(scene), *_pools(scene)]
    if parts:
        return parts
    seen = (attributes.get(key) for attributes in scene.trends.seen(DURATION) for key in DB_SYSTEM)
    if any(system is not None and system not in VECTOR_STORES for system in seen):
        return [Part("the database", "unknown", "was not queried in the last 5 minutes")]
    return not_configured("no database has been seen")


def _servers(scene: Scene) -> Iterator[Part]:
    """Of several addresses of one database, one that never answered may be one that the bot doesn't use either."""
    probes = [probe for probe in scene.probes if probe.target.component == "database"]
    answering = {_login(probe) for probe in probes if probe.verdict.status in ("healthy", "degraded")}
    for probe in probes:
        part = part_of(probe)
        if part.status != "healthy" and probe.verdict.answered is None and _login(probe) in answering:
            part = replace(part, status="unknown", text=f"{part.text}; another address of it answers")
        yield part


def _login(probe: Probe) -> tuple[Any, ...]:
    given = probe.target.arguments
    if probe.target.kind != "postgresql":
        return (probe,)
    return tuple(given.get(name) for name in ("user", "password", "database"))


def _queries(scene: Scene) -> Iterator[Part]:
    for system, recents in by(scene.trends.recent(DURATION, scene.now), *DB_SYSTEM).items():
        if system not in VECTOR_STORES:
            calls = Calls.of(recents)
            # what the database refuses may be meant so (a constraint): its failures alone don't make it unhealthy
            status: Status = "degraded" if calls.status() != "healthy" else "healthy"
            yield Part(f"queries to {system or 'the database'}:", status, calls.text(), calls.numbers())


@dataclass(slots=True)
class _Pool:
    used: float = 0
    most: float | None = None
    pending: float = 0


def _pools(scene: Scene) -> Iterator[Part]:
    pools: dict[str, _Pool] = {}
    for metric in (_COUNT, _MAX, _PENDING):
        for attributes, value in scene.trends.latest(metric):
            pool = pools.setdefault(str(attributes.get(_POOL, "")), _Pool())
            _fill(pool, metric, attributes, value)
    waits = by(scene.trends.recent(_WAIT, scene.now), _POOL)
    for name, pool in pools.items():
        wait_s = quantile(waits.get(name, ()), 0.95)
        yield _judged(name, pool, wait_s)


def _fill(pool: _Pool, metric: str, attributes: Any, value: float) -> None:
    if metric == _MAX:
        pool.most = (pool.most or 0) + value
    elif metric == _PENDING:
        pool.pending += value
    elif any(attributes.get(key) == "used" for key in ("db.client.connection.state", "state")):
        pool.used += value


def _judged(name: str, pool: _Pool, wait_s: float | None) -> Part:
    numbers: dict[str, Number] = {"used": pool.used, "pending": pool.pending}
    if pool.most is not None:
        numbers["max"] = pool.most
    if wait_s is not None:
        numbers["wait_p95_s"] = round(wait_s, 4)
    of = f" of {pool.most:.0f}" if pool.most is not None else ""
    status: Status = "healthy"
    text = f"has {pool.used:.0f}{of} connections in use"
    if pool.pending and (pool.most is None or pool.used >= pool.most):
        status = "unhealthy" if pool.most is not None else "degraded"
        text = f"is used up: {pool.used:.0f}{of} connections in use, {pool.pending:.0f} wait for one"
    elif wait_s is not None and wait_s > _LONG_WAIT_S:
        status, text = "degraded", f"makes wait: P95 {seconds(wait_s)} for a connection"
    return Part(f"the pool {name}".strip(), status, text, numbers)
