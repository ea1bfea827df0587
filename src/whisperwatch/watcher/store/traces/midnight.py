"""Traces that go on past midnight: a trace is in one day's table, that in which it began, whichever of its parts came
first."""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.traces.rows import COLUMNS, DAY_S, FAMILY, JOIN_IT, Part, remove

_NEAR_NS: Final = 3_600_000_000_000
"""What of a trace comes later than this after its day has ended is on its own."""
_DAY_NS: Final = DAY_S * 1_000_000_000


def day_of(start: int) -> int:
    """When the day of a time (wall ns) began, in unix seconds. What begins at midnight belongs to the day before."""
    return (start - 1) // _DAY_NS * DAY_S


def is_near(part: Part) -> bool:
    """Whether other parts of its trace may be in another day's table."""
    past = (part.start - 1) % _DAY_NS
    return past < _NEAR_NS or past >= _DAY_NS - _NEAR_NS


def home(database: Database, part: Part) -> str:
    """The table for a part; what there is of its trace in the next day's is moved to it."""
    day = day_of(part.start)
    before, after = (_with(database, part.trace, day + by) for by in (-DAY_S, DAY_S))
    if before is not None:
        return before
    table = database.table(FAMILY, day)
    if after is not None:
        _move(database, part.trace, after, table)
    return table


def _with(database: Database, trace: bytes, day: int) -> str | None:
    """That day's table, if the trace is in it."""
    for partition in database.partitions(FAMILY, day, day + 1):
        sql = f"SELECT 1 FROM {partition.name} WHERE trace = ?"
        if database.connection.execute(sql, (trace,)).fetchone():
            return partition.name
    return None


def _move(database: Database, trace: bytes, source: str, target: str) -> None:
    connection = database.connection
    connection.execute(
        f"INSERT INTO {target} ({COLUMNS}) SELECT {COLUMNS} FROM {source} WHERE trace = ?{JOIN_IT}", (trace,)
    )
    there, here = (
        connection.execute(f"SELECT id FROM {table} WHERE trace = ?", (trace,)).fetchone()[0]
        for table in (source, target)
    )
    connection.execute(
        f"INSERT INTO {target}_spans SELECT ?, body FROM {source}_spans WHERE trace = ?", (here, there)
    )
    remove(connection, source, [there])
