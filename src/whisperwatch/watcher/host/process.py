"""Figures of one bot's process, by psutil, into a stream that has that bot's resource."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from whisperwatch import semconv as names
from whisperwatch.watcher.records import LocalStream

Figure = tuple[names.Metric, float | int, dict[str, Any]]
_SHORTEST_S = 0.5
"""Time that must have passed for a share of it to say something: the kernel counts CPU time in steps of 0.01 s."""


class ProcessFigures:
    """Reads the process `pid` at each `collect`.

    Args:
        pid: the process.
        stream: takes the figures.
        cpus: how many CPUs may be used.

    What the platform can't tell, or doesn't tell us, is left out. A process that is gone leaves the last figures.
    """

    def __init__(
        self, pid: int, stream: LocalStream, cpus: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stream = stream
        self._cpus = cpus
        self._clock = clock
        self._before: tuple[float, float] | None = None
        self._version = str(stream.resource.get(names.SERVICE_VERSION) or names.UNKNOWN_VERSION)
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._process = None

    def collect(self) -> None:
        process = self._process
        # A pid that another process has by now must not be taken for the bot's.
        if process is None or not process.is_running():
            return
        readings = (self._cpu, _memory, _threads, _descriptors, _descriptor_limit, _disk, self._age)
        with process.oneshot():
            for read in readings:
                try:
                    figures = list(read(process))
                except (psutil.Error, OSError, AttributeError, NotImplementedError):
                    continue
                for metric, value, attributes in figures:
                    self.stream.set(metric, value, attributes)

    def _cpu(self, process: psutil.Process) -> Iterator[Figure]:
        times, now = process.cpu_times(), self._clock()
        yield names.PROCESS_CPU, times.user, {names.CPU_MODE: "user"}
        yield names.PROCESS_CPU, times.system, {names.CPU_MODE: "system"}
        used = times.user + times.system
        before = self._before = self._before or (used, now)
        if now - before[1] >= _SHORTEST_S:
            self._before = used, now
            share = (used - before[0]) / (now - before[1]) / self._cpus
            yield names.PROCESS_CPU_UTILIZATION, max(0.0, share), {}

    def _age(self, process: psutil.Process) -> Iterator[Figure]:
        started = process.create_time()
        yield names.UPTIME, max(0.0, time.time() - started), {}
        yield names.START_TIME, started, {names.SERVICE_VERSION: self._version}


def _memory(process: psutil.Process) -> Iterator[Figure]:
    memory = process.memory_info()
    yield names.PROCESS_MEMORY, memory.rss, {}
    yield names.PROCESS_MEMORY_VIRTUAL, memory.vms, {}


def _threads(process: psutil.Process) -> Iterator[Figure]:
    yield names.PROCESS_THREADS, process.num_threads(), {}


def _descriptors(process: psutil.Process) -> Iterator[Figure]:
    yield names.PROCESS_FDS, process.num_fds(), {}


def _descriptor_limit(process: psutil.Process) -> Iterator[Figure]:
    soft, _ = process.rlimit(psutil.RLIMIT_NOFILE)
    if soft >= 0:  # -1: no limit
        yield names.PROCESS_FD_LIMIT, soft, {}


def _disk(process: psutil.Process) -> Iterator[Figure]:
    disk = process.io_counters()
    yield names.PROCESS_DISK_IO, disk.read_bytes, {names.IO_DIRECTION_DISK: "read"}
    yield names.PROCESS_DISK_IO, disk.write_bytes, {names.IO_DIRECTION_DISK: "write"}
