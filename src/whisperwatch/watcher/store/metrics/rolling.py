"""The way of a point: out of the journal after five minutes, into coarser ones, and in order where a table is full.

Each step is one transaction and can be done again: what is done is known by `rolled` and by what is in the journal.
What comes late (the disk was full, a clock was set back) goes the same way, and is added to what is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.metrics.buckets import number, repack
from whisperwatch.watcher.store.metrics.points import (
    COARSE,
    COARSE_S,
    COLUMNS,
    FINE,
    FINE_S,
    LEVELS,
    MINUTE,
    RAW,
    VALUES,
    Level,
    slot_of,
)
from whisperwatch.watcher.store.partitions import Database, Partition
from whisperwatch.watcher.store.transactions import transaction

_GRACE_S: Final = 5
"""What was counted just before the turn of a slot may be written this much after it."""
_ROW_BYTES: Final = 30
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
        for level in (MINUTE, FINE):
            _is_rolled(connection, level, until)
        _not_rolled_after(connection, COARSE, until)
    for end in _hours(database, until):
        with transaction(database):
            _hour(database, end)
    with transaction(database):
        _is_rolled(connection, COARSE, until // COARSE_S * COARSE_S)
    _settle(database, now)


def rolled(connection: sqlite3.Connection) -> dict[int, int]:
    """Up to which time (unix s) the levels of these steps (s) have everything."""
    return dict(connection.execute("SELECT step, until FROM rolled"))


def _out_of_the_journal(database: Database, end: int) -> None:
    rows = database.connection.execute(
        f"SELECT {COLUMNS} FROM journal WHERE t > ? AND t <= ? ORDER BY series, t", (end - FINE_S, end)
    ).fetchall()
    slots = _points(database, RAW, end - FINE_S, end)
    if slots or not _points(database, FINE, end - FINE_S, end):
        rows = _merged(rows, slots)
        for level in (RAW, MINUTE, FINE):
            _insert(database, level, end, list(_sums(rows, level.step)))
    else:
        _add_to_what_is_left(database, end, rows)
    database.connection.execute("DELETE FROM journal WHERE t > ? AND t <= ?", (end - FINE_S, end))
    _not_rolled_after(database.connection, COARSE, end - 1)


def _hours(database: Database, until: int) -> list[int]:
    """The ends of the hours that are whole, not rolled up yet, and of which there is anything."""
    before = rolled(database.connection).get(COARSE_S, 0)
    last = until // COARSE_S * COARSE_S
    found: list[int] = []
    for partition in database.partitions(FINE.family, before, last):
        first = max(before, partition.start)
        found += range(first + COARSE_S, min(last, partition.end) + 1, COARSE_S)
    return found


def _hour(database: Database, end: int) -> None:
    rows = _points(database, FINE, end - COARSE_S, end)
    newest = {row[0]: row[1] for row in rows}
    sums = [(*row[:6], row[6] if newest[row[0]] == end else None, row[7]) for row in _sums(rows, COARSE_S)]
    _insert(database, COARSE, end, sums)
    _is_rolled(database.connection, COARSE, end)


def _add_to_what_is_left(database: Database, end: int, rows: list[Row]) -> None:
    """It comes so late that the slots of its time were dropped."""
    for level in (MINUTE, FINE):
        if there := _points(database, level, end - FINE_S, end):
            _insert(
                database, level, end, list(_sums(_merged(list(_sums(rows, level.step)), there), level.step))
            )


def _points(database: Database, level: Level, start: int, end: int) -> list[Row]:
    """What a level has of (start, end], which is in one partition, in order."""
    found = database.partitions(level.family, end - 1, end)
    if not found:
        return []
    within = level.within("known.id", found[0], start, end)
    return database.connection.execute(
        f"SELECT {COLUMNS} FROM series AS known CROSS JOIN {found[0].name} ON {within} ORDER BY known.id, t"
    ).fetchall()


def _merged(late: list[Row], there: list[Row]) -> list[Row]:
    """In order; of one time, what is there comes after what is late."""
    return sorted((*late, *there), key=itemgetter(0, 1)) if there else late


def _insert(database: Database, level: Level, end: int, rows: list[Row]) -> None:
    if rows:
        table = database.table(level.family, end - 1)
        placed = [(level.id_of(series, t), *values) for series, t, *values in rows]
        insert_many(database.connection, f"{table} (id, {VALUES})", placed, insert="INSERT OR REPLACE")
        database.grew(table, sum(_ROW_BYTES + len(row[7] or b"") for row in rows))


def _sums(rows: Iterable[Row], step: int) -> Iterator[Row]:
    """The points of a step of finer ones, which are in order."""
    for (series, t), several in groupby(rows, lambda row: (row[0], slot_of(row[1], step))):
        first, *others = several
        if not others:
            yield (series, t, *first[2:])
            continue
        _, _, counts, totals, least, most, last, blobs = zip(first, *others, strict=True)
        buckets = [number(blob) for blob in blobs if blob is not None]
        yield (
            series,
            t,
            _over(sum, counts),
            _over(sum, totals),
            _over(min, least),
            _over(max, most),
            next((value for value in reversed(last) if value is not None), None),
            repack(sum(buckets)) if buckets else None,
        )


def _over(function: Any, values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return function(known) if known else None


def _is_rolled(connection: sqlite3.Connection, level: Level, until: int) -> None:
    """Never less than before: what comes later for that time is merged into the level, or still in the journal."""
    connection.execute(
        "INSERT INTO rolled VALUES (?, ?) "
        "ON CONFLICT (step) DO UPDATE SET until = excluded.until WHERE until < excluded.until",
        (level.step, until),
    )


def _not_rolled_after(connection: sqlite3.Connection, level: Level, at: int) -> None:
    """What a level has of later times is to be made again."""
    until = at // level.step * level.step
    connection.execute("UPDATE rolled SET until = ? WHERE step = ? AND until > ?", (until, level.step, until))


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
        connection.execute(statement.format(table=f"{name}_new", start=partition.start))
    connection.execute(f"INSERT INTO {name}_new (id, {VALUES}) SELECT id, {VALUES} FROM {name} ORDER BY id")
    connection.execute(f"DROP TABLE {name}")
    connection.execute(f"ALTER TABLE {name}_new RENAME TO {name}")
    database.settle(name)
