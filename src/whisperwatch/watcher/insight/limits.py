"""What a bot can run out of, as far as it is measured: what is asked for each, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Sort = Literal[
    "disk", "memory", "process memory", "cpu", "files", "pool", "store", "guilds", "identifies", "requests",
    "invalid requests", "tokens", "money",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limited:
    """One sort of thing of which there is only so much.

    Attributes:
        sort: tells it from others.
        name: what it is called; `{}` is the value of `by`.
        used: what is asked for what is in use, and `by` which attribute it is told apart.
        limit: what is asked for how much there may be, by the same; or a number that is known.
        unit: UCUM's.
        left: `used` gives the share that is left.
        unless: why it may not be measured.
    """

    sort: Sort
    name: str
    used: str
    limit: str | float
    unit: str = "1"
    by: str = ""
    left: bool = False
    unless: str = "no watcher has measured it"

    def questions(self) -> dict[str, str]:
        """What is asked, by the names under which the answers are found."""
        grouped = f" by {self.by}" if self.by else ""
        asked = {f"{self.sort} used": self.used + grouped}
        if isinstance(self.limit, str):
            asked[f"{self.sort} limit"] = self.limit + grouped
        return asked


_POOL: Final = "db.client.connection.pool.name"
_FROM_DISCORD: Final = "Discord has not said it in this time"
LIMITED: Final[tuple[Limited, ...]] = (
    Limited(
        "disk", "Disk {}", "max(system.filesystem.utilization)", 1.0, by="system.filesystem.mountpoint"
    ),
    Limited("memory", "Memory of the machine or container", "max(system.memory.utilization)", 1.0),
    Limited(
        "process memory", "Memory of the bot's process", "max(process.memory.usage)",
        "max(system.memory.limit)", "By",
    ),
    Limited("cpu", "CPU", "avg(system.cpu.utilization)", 1.0),
    Limited(
        "files", "Open files", "max(process.unix.file_descriptor.count)",
        "max(process.unix.file_descriptor.limit)", "{file_descriptor}",
    ),
    Limited(
        "pool", "Pool {}", "max(db.client.connection.count where db.client.connection.state = used)",
        "max(db.client.connection.max)", "{connection}", _POOL,
        unless="the bot has no pool of asyncpg's; others are not measured",
    ),
    Limited(
        "store", "Whisperwatch's store", "max(whisperwatch.store.size)", "max(whisperwatch.store.limit)", "By",
        unless="the embedded store is off, or its watcher is of an older version",
    ),
    Limited("guilds", "Servers of the fullest shard", "max(discord.shard.guilds)", 2500.0, "{guild}"),
    Limited(
        "identifies", "Gateway sessions of the day",
        "min(discord.gateway.identify.remaining) / max(discord.gateway.identify.limit)", 1.0,
        left=True, unless=_FROM_DISCORD,
    ),
    Limited(
        "requests", "Requests to Discord, a second", "rate(discord.http.request.duration)", 50.0, "{request}",
        unless="none was sent",
    ),
    Limited(
        "invalid requests", "Invalid requests in ten minutes", "max(discord.http.invalid_requests)", 10_000.0,
        "{request}",
    ),
)  # fmt: skip
"""Shares have the limit 1; 2500 servers a shard, 50 requests a second and 10,000 invalid ones are Discord's limits."""
