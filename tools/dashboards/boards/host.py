"""The bot's process, its event loop, and the machine or container below it."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

BOARD: Final = Board(
    "host",
    "Host and process",
    "What the bot's process takes, what its event loop waits for, and what is left of its machine or container.",
    (
        (
            Panel(
                "Loop lag, P99",
                "p99(bot.event_loop.lag)",
                "How late the event loop runs a timer. Good: under 20 ms. Above 250 ms `!health` names the line of "
                "code that blocks it.",
                "stat",
                limits=(0.02, 0.25),
            ),
            Panel(
                "CPU",
                "max(system.cpu.utilization)",
                "CPU in use, of what the container or the machine may use. Good: under 80 %.",
                "stat",
                limits=(0.8, 0.95),
            ),
            Panel(
                "Memory",
                "max(system.memory.utilization)",
                "Memory in use, of the container's limit or the machine's. Good: under 90 %: above, the kernel ends "
                "processes.",
                "stat",
                limits=(0.9, 0.97),
            ),
            Panel(
                "Fullest disk",
                "max(system.filesystem.utilization)",
                "Space in use on the file systems of the state and the working directory. Good: under 85 %.",
                "stat",
                limits=(0.85, 0.95),
            ),
            Panel(
                "Open files",
                "max(process.unix.file_descriptor.count) / min(process.unix.file_descriptor.limit)",
                "File descriptors of the bot's process, of those that it may open. Good: under half. One that only "
                "grows: connections are not closed.",
                "stat",
                limits=(0.5, 0.9),
            ),
            Panel(
                "Up for",
                "min(process.uptime)",
                "How long the youngest of the chosen processes has run. Good: since the last release.",
                "stat",
            ),
        ),
        (
            Panel(
                "Loop lag",
                {"P50": "p50(bot.event_loop.lag)", "P99": "p99(bot.event_loop.lag)"},
                "How late the event loop runs a timer. Good: P99 under 20 ms. While it is late, nobody is answered, "
                "and above some seconds heartbeats are missed.",
                limits=(0.02, 0.25),
            ),
            Panel(
                "Garbage collector's pauses, P99",
                "p99(cpython.gc.pause.duration) by cpython.gc.generation",
                "Time for which the garbage collector stopped the process. Good: under 50 ms. Long ones of generation "
                "2: many objects live; see `gc.freeze`.",
                limits=(0.05, 0.25),
            ),
        ),
        (
            Panel(
                "CPU over time",
                {
                    "process": "max(process.cpu.utilization)",
                    "machine": "max(system.cpu.utilization)",
                },
                "Good: under 80 %. The process alone near one core's share: Python runs on one core, so that is full.",
                limits=(0.8, 0.95),
            ),
            Panel(
                "Memory of the process",
                "max(process.memory.usage) by service.instance.id",
                "Resident memory of each process. Good: flat after its first hours. A slope that doesn't end: "
                "`!performance memory-analysis` says whether it leaks.",
            ),
            Panel(
                "Memory of the machine",
                "last(system.memory.usage) by system.memory.state",
                "Of the container where it has a limit. Good: some is free at all times.",
                "bars",
            ),
        ),
        (
            Panel(
                "Disks",
                "max(system.filesystem.utilization) by system.filesystem.mountpoint",
                "Space in use. Good: under 85 %; `!performance capacity-planning` says when it will be full.",
                limits=(0.85, 0.95),
            ),
            Panel(
                "Network",
                "rate(system.network.io) by network.io.direction",
                "Bytes a second, loopback left out. Good: follows the answers.",
            ),
            Panel(
                "Disk I/O",
                "rate(system.disk.io) by disk.io.direction",
                "Bytes a second of the machine. Good: far below what the disk can.",
            ),
        ),
        (
            Panel(
                "Load",
                {
                    "1 min": "max(system.cpu.load_average.1m)",
                    "15 min": "max(system.cpu.load_average.15m)",
                    "CPUs": "max(system.cpu.limit)",
                },
                "Threads that run or want to. Good: under the number of CPUs.",
            ),
            Panel(
                "Threads and open files",
                {
                    "threads": "max(process.thread.count)",
                    "open files": "max(process.unix.file_descriptor.count)",
                },
                "Of the bot's process. Good: flat. What only grows, leaks.",
            ),
            Panel(
                "HTTP to other servers, P95",
                "p95(http.client.request.duration) by server.address",
                "Time until a server other than Discord's answered. Good: under 1 s. A slow one slows every answer "
                "that waits for it.",
                limits=(1.0, 5.0),
            ),
        ),
    ),
)
