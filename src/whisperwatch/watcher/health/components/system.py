"""System: disk, CPU and memory by the figures that the watcher reads, the network by names and connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.health.report import Part, Status
from whisperwatch.watcher.health.trends import Trends

from .scene import FEW, Scene, by, not_configured, part_of

HTTP: Final = "http.client.request.duration"
METRICS: Final = (semconv.SYSTEM_CPU_UTILIZATION.name, HTTP)
"""Whose course is looked at."""
_LITTLE, _NONE = 0.10, 0.03
"""Shares of memory or disk that are free: under the first degraded, under the second unhealthy."""
_ROOM, _NO_ROOM = 5e9, 1e9
"""A disk with more bytes free than these is not that bad, whatever its share."""
_BUSY, _BUSY_S = 0.95, 120.0


def judge(scene: Scene) -> list[Part]:
    """The parts `disk`, `CPU`, `memory`, and one of each host that is reached or not."""
    parts = [*_disks(scene), *_memory(scene), *_cpu(scene)]
    if not scene.figures:
        parts = not_configured("disk, CPU and memory are off by PERFORMANCE_MONITORING_ENABLED=false")
    return [*parts, *_network(scene)] or [Part("disk, CPU and memory", "unknown", "have not been read yet")]


def _disks(scene: Scene) -> Iterator[Part]:
    free: dict[str, float] = {}
    used: dict[str, float] = {}
    for attributes, value in scene.trends.latest(semconv.SYSTEM_FILESYSTEM.name):
        of = free if attributes.get(semconv.FILESYSTEM_STATE) == "free" else used
        of[str(attributes.get(semconv.MOUNTPOINT))] = value
    for mount, left in free.items():
        share = left / ((left + used.get(mount, 0.0)) or 1.0)
        status: Status = "healthy"
        if share < _NONE and left < _NO_ROOM:
            status = "unhealthy"
        elif share < _LITTLE and left < _ROOM:
            status = "degraded"
        text = f"has {left / 1e9:.1f} GB free ({share * 100:.0f} %)"
        yield Part(f"disk {mount}", status, text, {"free_bytes": int(left), "free_share": round(share, 4)})


def _memory(scene: Scene) -> Iterator[Part]:
    for _, used in scene.trends.latest(semconv.SYSTEM_MEMORY_UTILIZATION.name)[:1]:
        left = 1 - used
        status: Status = "unhealthy" if left < _NONE else "degraded" if left < _LITTLE else "healthy"
        yield Part("memory", status, f"is used to {used * 100:.0f} %", {"used_share": round(used, 4)})


def _cpu(scene: Scene) -> Iterator[Part]:
    found = scene.trends.average(semconv.SYSTEM_CPU_UTILIZATION.name)
    if found is None:
        return
    share, lasted_s = found
    busy = share > _BUSY and lasted_s >= _BUSY_S
    yield Part(
        "CPU",
        "degraded" if busy else "healthy",
        f"is used to {share * 100:.0f} %",
        {"used_share": round(share, 4)},
    )


def _network(scene: Scene) -> Iterator[Part]:
    for probe in scene.probes:
        if probe.target.component == "system":
            part = part_of(probe)
            # without one of the hosts that it calls a bot is not well, but not dead either
            ill = part.status == "unhealthy" and probe.target.kind == "http"
            yield replace(part, status="degraded") if ill else part


def called_hosts(trends: Trends, now: float) -> set[str]:
    """HTTP hosts that the bot keeps calling. Others, such as those in links that users send, are not to be asked."""
    calls = by(trends.recent(HTTP, now), semconv.SERVER_ADDRESS)
    return {host for host, recents in calls.items() if sum(one.count for one in recents) >= FEW}
