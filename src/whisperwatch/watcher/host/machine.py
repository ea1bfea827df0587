"""Figures of the host, or of the container where a cgroup bounds it, by psutil."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from whisperwatch import semconv as names
from whisperwatch.watcher.records import LocalStream

from .cgroup import Cgroup

Figure = tuple[names.Metric, float | int, dict[str, Any]]
_SHORTEST_S = 0.5
"""CPU time that there must have been for a share of it to say something: the kernel counts in steps of 0.01 s."""
_LOOPBACK = re.compile(r"lo\d*|loopback.*", re.IGNORECASE)


def cpus(cgroup: Cgroup) -> float:
    """How many CPUs may be used: the cgroup's quota, or those that this process may run on."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cgroup.cpu_limit() or affinity, affinity)


class MachineFigures:
    """Reads the machine at each `collect`.

    Args:
        stream: takes the figures.
        directories: whose file systems are watched.
        cgroup: its limits are the hundred per cent.
    """

    def __init__(
        self,
        stream: LocalStream,
        directories: Iterable[Path],
        cgroup: Cgroup,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        self._cgroup = cgroup
        self._clock = clock
        self._mounts = list(dict.fromkeys(filter(None, map(_mount_of, directories))))
        self._before: tuple[float, float] | None = None

    def collect(self) -> None:
        readings = (self._cpu, _load, self._memory, _disk, self._filesystems, _network)
        for read in readings:
            try:
                figures = list(read())
            except (psutil.Error, OSError, AttributeError, NotImplementedError, RuntimeError):
                continue
            for metric, value, attributes in figures:
                self.stream.set(metric, value, attributes)

    def _cpu(self) -> Iterator[Figure]:
        times = psutil.cpu_times()
        for mode in ("user", "system", "idle", "iowait"):
            if hasattr(times, mode):
                yield names.SYSTEM_CPU, getattr(times, mode), {names.CPU_MODE: mode}
        limit = cpus(self._cgroup)
        yield names.SYSTEM_CPU_LIMIT, limit, {}
        used, passed = self._used_cpu(times, limit)
        before = self._before = self._before or (used, passed)
        if passed - before[1] >= _SHORTEST_S:
            self._before = used, passed
            share = (used - before[0]) / (passed - before[1])
            yield names.SYSTEM_CPU_UTILIZATION, min(1.0, max(0.0, share)), {}

    def _used_cpu(self, times: Any, limit: float) -> tuple[float, float]:
        """CPU seconds used so far, and those that there were to use."""
        of_group = self._cgroup.cpu_time()
        if of_group is not None:
            return of_group, self._clock() * limit
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Linux counts the guests' time in that of the user too.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return total - idle, total

    def _memory(self) -> Iterator[Figure]:
        in_use_and_limit = self._cgroup.memory()
        host = psutil.virtual_memory()
        if in_use_and_limit is None or in_use_and_limit[1] >= host.total:
            in_use_and_limit = host.total - host.available, host.total
        used, limit = in_use_and_limit
        yield names.SYSTEM_MEMORY, used, {names.MEMORY_STATE: "used"}
        yield names.SYSTEM_MEMORY, max(0, limit - used), {names.MEMORY_STATE: "free"}
        yield names.SYSTEM_MEMORY_UTILIZATION, used / limit, {}
        yield names.SYSTEM_MEMORY_LIMIT, limit, {}

    def _filesystems(self) -> Iterator[Figure]:
        for mount in self._mounts:
            try:
                space = psutil.disk_usage(mount)
            except OSError:
                continue
            of = {names.MOUNTPOINT: mount}
            yield names.SYSTEM_FILESYSTEM, space.used, {**of, names.FILESYSTEM_STATE: "used"}
            yield names.SYSTEM_FILESYSTEM, space.free, {**of, names.FILESYSTEM_STATE: "free"}
            yield names.SYSTEM_FILESYSTEM_UTILIZATION, space.percent / 100, of


def _load() -> Iterator[Figure]:
    # psutil's substitute on Windows starts a thread and says 0 at first.
    one, five, fifteen = os.getloadavg()
    yield names.SYSTEM_LOAD_1M, one, {}
    yield names.SYSTEM_LOAD_5M, five, {}
    yield names.SYSTEM_LOAD_15M, fifteen, {}


def _disk() -> Iterator[Figure]:
    disk = psutil.disk_io_counters(nowrap=False)
    if disk is not None:
        yield names.SYSTEM_DISK_IO, disk.read_bytes, {names.IO_DIRECTION_DISK: "read"}
        yield names.SYSTEM_DISK_IO, disk.write_bytes, {names.IO_DIRECTION_DISK: "write"}


def _network() -> Iterator[Figure]:
    cards = psutil.net_io_counters(pernic=True, nowrap=False)
    outside = [counters for name, counters in cards.items() if not _LOOPBACK.fullmatch(name)]
    if outside:
        received, sent = sum(c.bytes_recv for c in outside), sum(c.bytes_sent for c in outside)
        yield names.SYSTEM_NETWORK_IO, received, {names.IO_DIRECTION_NET: "receive"}
        yield names.SYSTEM_NETWORK_IO, sent, {names.IO_DIRECTION_NET: "transmit"}


def _mount_of(directory: Path) -> str | None:
    """Where the file system that holds `directory` is mounted; None if it doesn't exist."""
    if not directory.exists():
        return None
    path = directory.resolve()
    return str(next(level for level in (path, *path.parents) if os.path.ismount(level)))
