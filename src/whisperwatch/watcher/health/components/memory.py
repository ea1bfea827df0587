"""The memory system: success and latency of its operations, by the vector stores' spans and by the bot's own word."""

from __future__ import annotations

from typing import Final

from whisperwatch.semconv import MEMORY_DURATION, MEMORY_OPERATION
from whisperwatch.watcher.health.report import Part

from .database import DURATION
from .scene import DB_SYSTEM, VECTOR_STORES, Calls, Scene, by, not_configured, part_of, seconds

_OWN: Final = MEMORY_DURATION.name
METRICS: Final = (DURATION, _OWN)
_SLOW_S: Final = 2.5


def judge(scene: Scene) -> list[Part]:
    """A part for each store and each operation of the bot's own."""
    groups = by(scene.trends.recent(DURATION, scene.now), *DB_SYSTEM)
    found = {f"calls to {store}": groups[store] for store in groups if store in VECTOR_STORES}
    for name, recents in by(scene.trends.recent(_OWN, scene.now), MEMORY_OPERATION).items():
        found[f"{name} operations"] = recents
    parts = [_judged(name, Calls.of(recents)) for name, recents in found.items()]
    return parts or _idle(scene)


def _judged(name: str, calls: Calls) -> Part:
    status, text = calls.status(), calls.text()
    if status == "healthy" and calls.p95_s is not None and calls.p95_s > _SLOW_S:
        status, text = "degraded", f"slow, P95 {seconds(calls.p95_s)}: {text}"
    return Part(f"{name}:", status, text, calls.numbers())


def _idle(scene: Scene) -> list[Part]:
    stores = [part_of(probe) for probe in scene.probes if probe.target.kind in VECTOR_STORES]
    if stores:
        return stores
    if scene.trends.seen(_OWN):
        return [Part("memory", "unknown", "was not used in the last 5 minutes")]
    return not_configured("no vector store and no memory operation has been seen")
