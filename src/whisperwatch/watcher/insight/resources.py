"""What the bot takes of its machine: CPU, memory, disk, network, and what keeps its loop waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.insight.figures import Basis, Figure, ask, ask_in_steps
from whisperwatch.watcher.insight.starts import STARTS, Start, starts
from whisperwatch.watcher.query.asking import Asking

_TRENDS: Final = {
    "cpu": "avg(process.cpu.utilization)",
    "memory": "max(process.memory.usage)",
    "host cpu": "avg(system.cpu.utilization)",
    "host memory": "last(system.memory.utilization)",
}
_LOADS: Final = ("1m", "5m", "15m")
_QUESTIONS: Final = {
    **_TRENDS,
    **{f"load {over}": f"last(system.cpu.load_average.{over})" for over in _LOADS},
    "disk io": "rate(system.disk.io) by disk.io.direction",
    "disks": "last(system.filesystem.utilization) by system.filesystem.mountpoint",
    "network": "rate(system.network.io) by network.io.direction",
    "lag": "p99(bot.event_loop.lag)",
    "pause": "p99(cpython.gc.pause.duration)",
    "threads": "last(process.thread.count)",
}


@dataclass(frozen=True, slots=True)
class Resources:
    """Of the bot's process, and of the host or its container.

    Attributes:
        cpu, memory: of the process, the mean share of the CPUs that it may use and the largest resident memory.
        host_cpu, host_memory: shares in use, of the cgroup where it has a limit.
        loads: the newest load averages of the host, by what they are over: `1m`, `5m` and `15m`.
        disks: by mount point, the share in use.
        disk_io: by direction, bytes a second of the host.
        network: by direction, bytes a second of the host.
        lag, pause: P99 of the event loop's lag and of the garbage collector's pauses.
        cpu_trend, memory_trend, host_cpu_trend, host_memory_trend: points, the oldest first.
        times: the ends, in unix seconds, of the steps that the points tell of.
        starts: of the bot, in this time.
    """

    basis: Basis
    cpu: Figure
    memory: Figure
    host_cpu: Figure
    host_memory: Figure
    loads: Mapping[str, Figure]
    disks: Mapping[str, Figure]
    disk_io: Mapping[str, Figure]
    network: Mapping[str, Figure]
    lag: Figure
    pause: Figure
    threads: Figure
    cpu_trend: tuple[float | None, ...]
    memory_trend: tuple[float | None, ...]
    host_cpu_trend: tuple[float | None, ...]
    host_memory_trend: tuple[float | None, ...]
    times: tuple[int, ...]
    starts: tuple[Start, ...]


async def resources(asking: Asking, over_s: float) -> Resources:
    """Of the last `over_s` seconds."""
    found = await ask(asking, _QUESTIONS, over_s)
    fine = await ask_in_steps(asking, {**_TRENDS, "starts": STARTS}, min(over_s, found.basis.over_s))
    return Resources(
        found.basis,
        found.figure("cpu"),
        found.figure("memory"),
        found.figure("host cpu"),
        found.figure("host memory"),
        {over: found.figure(f"load {over}") for over in _LOADS},
        found.groups("disks"),
        found.groups("disk io"),
        found.groups("network"),
        found.figure("lag"),
        found.figure("pause"),
        found.figure("threads"),
        fine.trend("cpu"),
        fine.trend("memory"),
        fine.trend("host cpu"),
        fine.trend("host memory"),
        fine.times("cpu"),
        starts(fine.trends("starts"), found.basis.start),
    )
