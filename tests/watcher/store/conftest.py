"""A signal that keeps numbers, for the store itself to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store.partitions import Database, Family, Partition
from whisperwatch.watcher.store.store import Store

FAMILY = Family("numbers", 60, ("CREATE TABLE {table} (value INTEGER, filling BLOB)",))


class Numbers:
    """Keeps (time, number) pairs, a partition a minute. `filling` is written beside each."""

    def __init__(self, name: str = "logs", share: float = 0.5, family: Family = FAMILY) -> None:
        self.name, self.share, self.families = name, share, (family,)
        self.schema: tuple[str, ...] = (f"CREATE TABLE {name}_base (x)",)
        self.waiting: list[tuple[float, int]] = []
        self.written_ones: list[Any] = []
        self.keep_s = 1e9
        self.filling = b""

    def take(self) -> Any:
        taken, self.waiting = self.waiting, []
        return taken or None

    def write(self, database: Database, taken: Any) -> None:
        for at, number in taken:
            table = database.table(self.families[0], at)
            database.connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (number, self.filling))
            database.grew(table, 10 + len(self.filling))

    def written(self, taken: Any) -> None:
        self.written_ones.append(taken)

    def tend(self, database: Database, now: float) -> None:
        pass

    def expired(self, database: Database, now: float) -> list[tuple[Family, Partition]]:
        family = self.families[0]
        return [(family, one) for one in database.partitions(family) if one.end <= now - self.keep_s]

    def oldest(self, database: Database) -> tuple[Family, Partition] | None:
        found = database.partitions(self.families[0])
        return (self.families[0], found[0]) if len(found) > 1 else None


class Clock:
    """Unix seconds that stand still."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def store_of(path: Path, clock: Clock, *signals: Any, most: int = 10**9) -> Store:
    return Store(path, signals, lambda: most, LocalStream({}), clock)


async def numbers_in(store: Store, family: Family = FAMILY) -> list[int]:
    """All that a reader sees."""
    return await store.readers.run(
        lambda view: [
            row[0]
            for one in view.partitions(family)
            for row in view.connection.execute(f"SELECT value FROM {one.name} ORDER BY rowid")
        ]
    )
