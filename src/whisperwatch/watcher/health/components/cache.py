"""Cache: how many of the requests to each cache were hits; while nobody asks, whether Redis answers."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from whisperwatch.semconv import CACHE, CACHE_REQUESTS, CACHE_RESULT
from whisperwatch.watcher.health.report import Part
from whisperwatch.watcher.health.trends import Recent

from .scene import Scene, by, not_configured, part_of

_REQUESTS: Final = CACHE_REQUESTS.name
METRICS: Final = (_REQUESTS,)
_ENOUGH: Final = 100
_LOW: Final = 0.1


def judge(scene: Scene) -> list[Part]:
    """A part for each cache."""
    caches = by(scene.trends.recent(_REQUESTS, scene.now), CACHE)
    parts = [_judged(name, recents) for name, recents in caches.items()]
    if parts:
        return parts
    stores = [part_of(probe) for probe in scene.probes if probe.target.kind == "redis"]
    if stores:
        return stores
    if scene.trends.seen(_REQUESTS):
        return [Part("the cache", "unknown", "was not asked in the last 5 minutes")]
    return not_configured("no cache has been seen")


def _judged(name: str, recents: list[Recent]) -> Part:
    counts: Counter[Any] = Counter()
    for one in recents:
        counts[one.attributes.get(CACHE_RESULT)] += int(one.count)
    asked = counts["hit"] + counts["miss"]
    rate = counts["hit"] / asked if asked else 0.0
    low = asked >= _ENOUGH and rate < _LOW
    text = f"answers {rate * 100:.0f} % of {asked} requests"
    numbers = {"hits": counts["hit"], "misses": counts["miss"], "hit_rate": round(rate, 4)}
    return Part(f"the cache {name}", "degraded" if low else "healthy", text, numbers)
