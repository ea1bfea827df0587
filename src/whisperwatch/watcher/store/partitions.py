"""The tables of the store that end with a time: one a day, an hour, …, so that what is old goes in one piece."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SCHEMA: Final = (
    "CREATE TABLE partitions (name TEXT PRIMARY KEY, family TEXT NOT NULL, start INTEGER NOT NULL, "
    "size INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class Family:
    """Tables of one shape, each for `length_s` seconds that begin at a multiple of it.

    Attributes:
        name: theirs, to which the start is added.
        create: statements that make one, with `{table}` for its name and `{start}` for its start. What else belongs to
            it (an index, a full-text table) has that name with an ending.
        drop: statements that end it; by default that of the table.
    """

    name: str
    length_s: int
    create: tuple[str, ...]
    drop: tuple[str, ...] = ("DROP TABLE IF EXISTS {table}",)


@dataclass(frozen=True, slots=True)
class Partition:
    """One of them. `start` and `end` in unix seconds; `size` is about how many bytes were written into it; `settled`:
    its signal has done with it what it does with a full one."""

    family: str
    name: str
    start: int
    end: int
    size: int
    settled: bool


class View:
    """A connection that reads, and the partitions that it sees."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def partitions(
        self, family: Family, start: float | None = None, end: float | None = None
    ) -> list[Partition]:
        """Those that hold any of [start, end), oldest first."""
        rows = self.connection.execute(
            "SELECT name, start, size, settled FROM partitions WHERE family = ? ORDER BY start",
            (family.name,),
        )
        found = [
            Partition(family.name, name, at, at + family.length_s, size, bool(settled))
            for name, at, size, settled in rows
        ]
        return [
            one for one in found if (start is None or one.end > start) and (end is None or one.start < end)
        ]


class Database(View):
    """The connection that writes. For one thread; what begins and ends a transaction is its caller's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._known: dict[tuple[str, int], str] = {}

    def table(self, family: Family, at: float) -> str:
        """The name of the table for a time (unix seconds); it is made where there is none."""
        start = int(at // family.length_s) * family.length_s
        name = self._known.get((family.name, start))
        if name is None:
            found = self.connection.execute(  # one that took another's place has the other family's name
                "SELECT name FROM partitions WHERE family = ? AND start = ?", (family.name, start)
            ).fetchone()
            name = found[0] if found else self._made(family, start)
            self._known[family.name, start] = name
        return name

    def grew(self, table: str, size: int) -> None:
        """So many bytes, about, were written into it."""
        self.connection.execute("UPDATE partitions SET size = size + ? WHERE name = ?", (size, table))

    def settle(self, table: str) -> None:
        """Nothing more comes into it, and what was to be done then is done."""
        self.connection.execute("UPDATE partitions SET settled = 1 WHERE name = ?", (table,))

    def drop(self, family: Family, partition: Partition) -> None:
        """End a partition and all that is in it."""
        self._known.pop((family.name, partition.start), None)
        self._each(family.drop, partition.name, partition.start)
        self.connection.execute("DELETE FROM partitions WHERE name = ?", (partition.name,))

    def replace(self, family: Family, partition: Partition, by: Family) -> None:
        """End a partition; that of `by` for the same time, where there is one, takes its place, settled."""
        self.drop(family, partition)
        self.connection.execute(
            "UPDATE partitions SET family = ?, settled = 1 WHERE family = ? AND start = ?",
            (family.name, by.name, partition.start),
        )
        self.forget()

    def forget(self) -> None:
        """What is known of the tables may be wrong: a transaction was rolled back."""
        self._known.clear()

    def _made(self, family: Family, start: int) -> str:
        name = f"{family.name}_{start}"
        made = self.connection.execute(
            "INSERT OR IGNORE INTO partitions (name, family, start) VALUES (?, ?, ?)",
            (name, family.name, start),
        )
        if made.rowcount:
            self._each(family.create, name, start)
        return name

    def _each(self, statements: Iterable[str], table: str, start: int) -> None:
        for statement in statements:
            self.connection.execute(statement.format(table=table, start=start))
