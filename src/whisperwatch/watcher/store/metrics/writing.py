"""Samples into the journal: what a series has counted since its last one, each once.

What was counted before is kept beside the points and committed with them. So a watcher that starts again, and gets all
values anew, neither counts them twice nor misses what came between.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from dataclasses import dataclass, field
from operator import sub
from typing import Any, Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.metrics.buckets import counts_of, pack
from whisperwatch.watcher.store.metrics.living import Lives
from whisperwatch.watcher.store.metrics.points import slot_of
from whisperwatch.watcher.store.metrics.taken import Identity, Sample, Taken
from whisperwatch.watcher.store.partitions import Database

_log = logging.getLogger("whisperwatch.watcher")
_SUM: Final = (
    "count = coalesce(journal.count + excluded.count, excluded.count), total = journal.total + excluded.total"
)
_ADD: Final = f" ON CONFLICT (t, series) DO UPDATE SET {_SUM}, buckets = excluded.buckets"
_SET: Final = (
    " ON CONFLICT (t, series) DO UPDATE SET total = excluded.total, least = excluded.least, most = excluded.most, "
    "last = excluded.last"
)

Counted = tuple[int | None, float, tuple[int, ...] | None]
"""count, total, buckets: cumulative."""


@dataclass(slots=True)
class _Pending:
    """Rows of one slot, put together before they are written."""

    added: list[tuple[Any, ...]] = field(default_factory=list)
    set: list[tuple[Any, ...]] = field(default_factory=list)
    totals: list[tuple[Any, ...]] = field(default_factory=list)


class Journal:
    """Writes samples; remembers what the file has, until `forget`."""

    def __init__(self) -> None:
        self._lives = Lives()
        self._left_out: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """A transaction was undone: what is remembered may not be in the file."""
        self._lives.forget()
        self._series: dict[Identity, int] = {}
        self._metrics: dict[tuple[Any, ...], int] = {}
        self._counted: dict[tuple[int, int], Counted] = {}
        self._slot_buckets: tuple[int, dict[int, tuple[int, ...]]] = (0, {})

    def write(self, database: Database, taken: Taken) -> None:
        """Write it, within the caller's transaction."""
        slot = slot_of(taken.at)
        lives = {who: self._lives.live(database, who, slot) for who in taken.alive}
        pending = _Pending()
        if self._slot_buckets[0] != slot:
            self._slot_buckets = slot, {}
        for sample in taken.samples:
            try:
                series = self._number(database, sample.identity)
                self._sample(database, series, slot, sample, pending)
            except sqlite3.Error:
                raise
            except Exception as error:
                self._leave_out(sample, error)
                continue
            if (life := lives.get((sample.identity.instance, sample.process))) is not None:
                self._lives.bear(database, series, life, slot)
        connection = database.connection
        insert_many(connection, "journal (series, t, count, total, buckets)", pending.added, ending=_ADD)
        insert_many(
            connection, "journal (series, t, count, total, least, most, last)", pending.set, ending=_SET
        )
        insert_many(
            connection,
            "totals (series, start, count, total, buckets)",
            pending.totals,
            insert="INSERT OR REPLACE",
        )

    def _sample(self, database: Database, series: int, slot: int, sample: Sample, pending: _Pending) -> None:
        if sample.identity.kind in ("counter", "histogram"):
            self._count(database, series, slot, sample, pending)
        else:
            pending.set.append((series, slot, 1, *(_finite(sample.value[0]),) * 4))

    def _leave_out(self, sample: Sample, error: Exception) -> None:
        """A value that SQLite can't hold costs nothing but itself; it is said once of each metric."""
        if sample.identity.metric not in self._left_out:
            self._left_out.add(sample.identity.metric)
            _log.warning("a value of %s can't be kept, and is left out: %s", sample.identity.metric, error)

    def _count(self, database: Database, series: int, slot: int, sample: Sample, pending: _Pending) -> None:
        now = _counted(sample)
        cumulative = None if now[2] is None else pack(now[2])
        before = self._before(database, series, sample.start)
        count, total, buckets = now if before is None else _difference(now, before)
        if (count if count is not None else total) < 0:
            return  # older than what is there
        if count or total:
            blob = None if buckets is None else self._packed(database, series, slot, buckets)
            pending.added.append((series, slot, count, total, blob))
        elif before is not None:
            return
        self._counted[series, sample.start] = now
        pending.totals.append((series, sample.start, *now[:2], cumulative))

    def _packed(self, database: Database, series: int, slot: int, buckets: tuple[int, ...]) -> bytes:
        """The slot's buckets with these added."""
        of_slot = self._slot_buckets[1]
        before = of_slot.get(series)
        if before is None:
            before = _stored_buckets(database, series, slot, len(buckets))
        added = buckets if before is None else tuple(a + b for a, b in zip(buckets, before, strict=True))
        packed = pack(added)
        of_slot[series] = added
        return packed

    def _before(self, database: Database, series: int, start: int) -> Counted | None:
        known = self._counted.get((series, start))
        if known is None:
            row = database.connection.execute(
                "SELECT count, total, buckets FROM totals WHERE series = ? AND start = ?", (series, start)
            ).fetchone()
            if row is None:
                return None
            count, total, blob = row
            known = count, total, None if blob is None else counts_of(blob)
            self._counted[series, start] = known
        return known

    def _number(self, database: Database, identity: Identity) -> int:
        known = self._series.get(identity)
        if known is None:
            metric = self._metric(database, identity)
            attributes = json.dumps(dict(identity.attributes), ensure_ascii=False, separators=(",", ":"))
            key = (metric, identity.instance, attributes)
            known = _id(database, "series", ("metric", "instance", "attributes"), key)
            self._series[identity] = known
        return known

    def _metric(self, database: Database, identity: Identity) -> int:
        key = (identity.metric, identity.kind, identity.unit, json.dumps(identity.bounds))
        known = self._metrics.get(key)
        if known is None:
            known = self._metrics[key] = _id(database, "metrics", ("name", "kind", "unit", "bounds"), key)
        return known


def _counted(sample: Sample) -> Counted:
    if sample.identity.kind == "counter":
        return None, _finite(sample.value[0]), None
    count, total, _, _, buckets = sample.value
    return int(_finite(count)), _finite(total), tuple(buckets)


def _finite(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"it is {number}")
    return number


def _difference(now: Counted, before: Counted) -> Counted:
    count, total, buckets = now
    if count is None or buckets is None:
        return None, total - before[1], None
    known = before[2] or ()
    less = tuple(map(sub, buckets, known + (0,) * (len(buckets) - len(known))))
    if min(less, default=0) < 0:
        less = tuple([max(0, one) for one in less])
    return count - (before[0] or 0), total - before[1], less


def _stored_buckets(database: Database, series: int, slot: int, buckets: int) -> tuple[int, ...] | None:
    row = database.connection.execute(
        "SELECT buckets FROM journal WHERE t = ? AND series = ?", (slot, series)
    ).fetchone()
    if row is None or row[0] is None:
        return None
    found = counts_of(row[0])
    return found + (0,) * (buckets - len(found))


def _id(database: Database, table: str, columns: tuple[str, ...], key: tuple[Any, ...]) -> int:
    where = " AND ".join(f"{column} = ?" for column in columns)
    row = database.connection.execute(f"SELECT id FROM {table} WHERE {where}", key).fetchone()
    if row is not None:
        return int(row[0])
    marks = ", ".join("?" * len(columns))
    made = database.connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", key)
    return int(made.lastrowid or 0)
