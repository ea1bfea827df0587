"""What is recorded of the process and of the machine under it."""

from __future__ import annotations

from whisperwatch.semconv.attributes import (
    CPU_MODE,
    FILESYSTEM_STATE,
    GC_GENERATION,
    IO_DIRECTION_DISK,
    IO_DIRECTION_NET,
    MEMORY_STATE,
    MOUNTPOINT,
    SERVICE_VERSION,
)
from whisperwatch.semconv.model import FINE_SECONDS, Metric

# the runtime
LOOP_LAG = Metric(
    "bot.event_loop.lag", "histogram", "s",
    "How late the bot's event loop ran a timer, sampled at least every 50 ms.", (), FINE_SECONDS,
)  # fmt: skip
GC_COLLECTIONS = Metric(
    "cpython.gc.collections", "counter", "{collection}",
    "Runs of the garbage collector.", (GC_GENERATION,),
)  # fmt: skip
GC_PAUSE = Metric(
    "cpython.gc.pause.duration", "histogram", "s",
    "Time for which the garbage collector stopped the process.", (GC_GENERATION,), FINE_SECONDS,
)  # fmt: skip
UPTIME = Metric("process.uptime", "gauge", "s", "Time since the bot's process started.", (), (), "watcher")
START_TIME = Metric(
    "bot.start_time", "gauge", "s", "When the bot's process started, in unix time, and in which version.",
    (SERVICE_VERSION,), (), "watcher",
)  # fmt: skip
RESTARTS = Metric(
    "bot.restarts", "counter", "{restart}", "Starts of the bot after its first.", (), (), "watcher"
)
PROCESS_CPU = Metric(
    "process.cpu.time", "counter", "s", "CPU time of the bot's process.", (CPU_MODE,), (), "watcher"
)
PROCESS_CPU_UTILIZATION = Metric(
    "process.cpu.utilization", "gauge", "1",
    "CPU time of the bot's process over the time and the CPUs that it may use.", (), (), "watcher",
)  # fmt: skip
PROCESS_MEMORY = Metric(
    "process.memory.usage", "updowncounter", "By", "Resident memory of the bot's process.", (), (), "watcher"
)
PROCESS_MEMORY_VIRTUAL = Metric(
    "process.memory.virtual", "updowncounter", "By", "Virtual memory of the bot's process.", (), (), "watcher"
)
PROCESS_THREADS = Metric(
    "process.thread.count", "updowncounter", "{thread}", "Threads of the bot's process.", (), (), "watcher"
)
PROCESS_FDS = Metric(
    "process.unix.file_descriptor.count", "updowncounter", "{file_descriptor}",
    "Open file descriptors of the bot's process.", (), (), "watcher",
)  # fmt: skip
PROCESS_FD_LIMIT = Metric(
    "process.unix.file_descriptor.limit", "gauge", "{file_descriptor}",
    "File descriptors that the bot's process may open.", (), (), "watcher",
)  # fmt: skip
PROCESS_DISK_IO = Metric(
    "process.disk.io", "counter", "By", "Disk I/O of the bot's process.", (IO_DIRECTION_DISK,), (), "watcher"
)
SYSTEM_CPU = Metric("system.cpu.time", "counter", "s", "CPU time of the host.", (CPU_MODE,), (), "watcher")
SYSTEM_CPU_UTILIZATION = Metric(
    "system.cpu.utilization", "gauge", "1",
    "CPU in use, over the cgroup's quota where there is one, else over the host's CPUs.", (), (), "watcher",
)  # fmt: skip
SYSTEM_CPU_LIMIT = Metric(
    "system.cpu.limit", "gauge", "{cpu}",
    "CPUs that may be used: the cgroup's quota, else the host's CPUs.", (), (), "watcher",
)  # fmt: skip
SYSTEM_LOAD_1M = Metric(
    "system.cpu.load_average.1m", "gauge", "{thread}", "Load average over one minute.", (), (), "watcher"
)
SYSTEM_LOAD_5M = Metric(
    "system.cpu.load_average.5m", "gauge", "{thread}", "Load average over five minutes.", (), (), "watcher"
)
SYSTEM_LOAD_15M = Metric(
    "system.cpu.load_average.15m",
    "gauge",
    "{thread}",
    "Load average over fifteen minutes.",
    (),
    (),
    "watcher",
)
SYSTEM_MEMORY = Metric(
    "system.memory.usage", "updowncounter", "By",
    "Memory of the cgroup where it has a limit, else of the host.", (MEMORY_STATE,), (), "watcher",
)  # fmt: skip
SYSTEM_MEMORY_UTILIZATION = Metric(
    "system.memory.utilization", "gauge", "1",
    "Memory in use, over the cgroup's limit where there is one, else over the host's memory.", (), (), "watcher",
)  # fmt: skip
SYSTEM_MEMORY_LIMIT = Metric(
    "system.memory.limit", "updowncounter", "By",
    "Memory that may be used: the cgroup's limit, else the host's memory.", (), (), "watcher",
)  # fmt: skip
SYSTEM_DISK_IO = Metric(
    "system.disk.io", "counter", "By", "Disk I/O of the host.", (IO_DIRECTION_DISK,), (), "watcher"
)
SYSTEM_FILESYSTEM = Metric(
    "system.filesystem.usage", "updowncounter", "By",
    "Space on the file systems of the state directory and of the working directory.",
    (MOUNTPOINT, FILESYSTEM_STATE), (), "watcher",
)  # fmt: skip
SYSTEM_FILESYSTEM_UTILIZATION = Metric(
    "system.filesystem.utilization", "gauge", "1",
    "Space in use on the file systems of the state directory and of the working directory.",
    (MOUNTPOINT,), (), "watcher",
)  # fmt: skip
SYSTEM_NETWORK_IO = Metric(
    "system.network.io", "counter", "By", "Network I/O of the host, loopback left out.",
    (IO_DIRECTION_NET,), (), "watcher",
)  # fmt: skip
