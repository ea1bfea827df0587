"""The way of a point: out of the journal after five minutes, into coarser ones, and in order where a table is full.

Each step is one transaction and can be done again: what is done is known by `rolled` and by what is in the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.metrics.points import (
    COARSE,
    COARSE_S,
    COLUMNS,
    FINE,
    FINE_S,
    LEVELS,
    RAW,
    Level,
    number,
    repack,
)
from whisperwatch.watcher.store.partitions import Database, Partition
from whisperwatch.watcher.store.transactions import transaction

_GRACE_S: Final = 5
"""What was counted just before the turn of a slot may be written this much after it."""
_ROW_BYTES: Final = 40
Row = tuple[Any, ...]
"""series, t, count, total, least, most, last, buckets"""


def roll(database: Database, now: float) -> None:
    """Do all that is due at `now` (unix s)."""
    connection = database.connection
    until = (int(now - _GRACE_S) // FINE_S) * FINE_S
    due = connection.execute(
        f"SELECT DISTINCT (t + {FINE_S - 1}) / {FINE_S} * {FINE_S} FROM journal WHERE t <= ? ORDER BY 1",
        (until,),
    ).fetchall()
    for (end,) in due:
        with transaction(database):
            _out_of_the_journal(database, end)
    with transaction(database):
        _is_rolled(connection, FINE, until)
    for end in _hours(connection, until):
        with transaction(database):
            _hour(database, end)
    _settle(database, now)


def rolled(connection: sqlite3.Connection) -> dict[int, int]:
    """Up to which time (unix s) the levels of these steps (s) have everything."""
    return dict(connection.execute("SELECT step, until FROM rolled"))


def _out_of_the_journal(database: Database, end: int) -> None:
    rows = database.connection.execute(
        f"SELECT {COLUMNS} FROM journal WHERE t > ? AND t <= ? ORDER BY series, t", (end - FINE_S, end)
    ).fetchall()
    _insert(database, RAW, end, rows)
    _insert(database, FINE, end, list(_sums(rows, end)))
    database.connection.execute("DELETE FROM journal WHERE t <= ?", (end,))
    _is_rolled(database.connection, FINE, end)


def _hours(connection: sqlite3.Connection, until: int) -> Iterator[int]:
    """The ends of the hours that are whole and not rolled up yet."""
    before = rolled(connection).get(COARSE_S)
    last = until // COARSE_S * COARSE_S
    if before is None:
        first = connection.execute("SELECT min(start) FROM partitions WHERE family = ?", (FINE.family.name,))
        (start,) = first.fetchone()
        before = last if start is None else start // COARSE_S * COARSE_S
        yield from range(before + COARSE_S, last + 1, COARSE_S)
    else:
        yield from range(before + COARSE_S, last + 1, COARSE_S)


def _hour(database: Database, end: int) -> None:
    (partition,) = database.partitions(FINE.family, end - 1, end) or (None,)
    if partition is not None:
        rows = database.connection.execute(
            f"SELECT {COLUMNS} FROM {partition.name} WHERE t > ? AND t <= ? ORDER BY series, t",
            (end - COARSE_S, end),
        ).fetchall()
        sums = [
            (*row[:6], row[6] if newest == end else None, row[7]) for row, newest in _with_newest(rows, end)
        ]
        _insert(database, COARSE, end, sums)
    _is_rolled(database.connection, COARSE, end)


def _insert(database: Database, level: Level, end: int, rows: list[Row]) -> None:
    if rows:
        table = database.table(level.family, end - 1)
        insert_many(database.connection, f"{table} ({COLUMNS})", rows, insert="INSERT OR REPLACE")
        database.grew(table, sum(_ROW_BYTES + len(row[7] or b"") for row in rows))


def _sums(rows: Iterable[Row], end: int) -> Iterator[Row]:
    for row, _ in _with_newest(rows, end):
        yield row


def _with_newest(rows: Iterable[Row], end: int) -> Iterator[tuple[Row, int]]:
    """One point for each series' points (in order), and the time of the newest of these."""
    for series, of_series in groupby(rows, itemgetter(0)):
        _, times, counts, totals, least, most, last, blobs = zip(*of_series, strict=True)
        buckets = [number(blob) for blob in blobs if blob is not None]
        yield (
            (
                series,
                end,
                _over(sum, counts),
                _over(sum, totals),
                _over(min, least),
                _over(max, most),
                last[-1],
                repack(sum(buckets)) if buckets else None,
            ),
            times[-1],
        )


def _over(function: Any, values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return function(known) if known else None


def _is_rolled(connection: sqlite3.Connection, level: Level, until: int) -> None:
    connection.execute(
        "INSERT INTO rolled VALUES (?1, ?2) ON CONFLICT (step) DO UPDATE SET until = max(until, ?2)",
        (level.step, until),
    )


def _settle(database: Database, now: float) -> None:
    """Write partitions that are full once more, in order: filled from the middle, their pages are half empty."""
    for level in LEVELS:
        for partition in database.partitions(level.family, None, now - level.step - FINE_S):
            if partition.end < now - level.step - FINE_S and not partition.settled:
                with transaction(database):
                    _write_anew(database, level, partition)
                return  # one a turn: others wait for this thread


def _write_anew(database: Database, level: Level, partition: Partition) -> None:
    connection, name = database.connection, partition.name
    for statement in level.family.create:
        connection.execute(statement.format(table=f"{name}_new"))
    connection.execute(f"INSERT INTO {name}_new SELECT * FROM {name} ORDER BY series, t")
    connection.execute(f"DROP TABLE {name}")
    connection.execute(f"ALTER TABLE {name}_new RENAME TO {name}")
    database.settle(name)
