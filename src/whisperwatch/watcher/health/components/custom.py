"""The bot's own checks (`whisperwatch.health_check`): they run there, and what they found rides in the beat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from whisperwatch.watcher.health.report import Component, Number, Part, Status

from .scene import Scene, seconds

_STATUSES: Final[dict[str, Status]] = {
    "healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy", "unknown": "unknown",
}  # fmt: skip
_LONGEST: Final = 300


def components(scene: Scene) -> Iterator[Component]:
    """One for each name; of several processes each is a part."""
    found: dict[str, list[Part]] = {}
    critical: dict[str, bool] = {}
    for source in scene.sources:
        for told in (source.beat or {}).get("checks", ()) if source.connected else ():
            name = str(told["name"])
            found.setdefault(name, []).append(_part(told, source.slot))
            critical[name] = critical.get(name, False) or bool(told.get("critical"))
    for name, parts in found.items():
        yield Component.of(name, parts, critical[name])


def _part(told: Any, slot: int) -> Part:
    numbers: dict[str, Number] = {}
    text = str(told.get("text", ""))[:_LONGEST]
    if (took_s := told.get("took_s")) is not None:
        numbers["took_s"] = round(float(took_s), 4)
        text = text or f"passed in {seconds(took_s)}"
    name = f"process {slot}:" if slot else ""
    return Part(name, _STATUSES.get(str(told.get("status")), "unknown"), text, numbers, None, True)
