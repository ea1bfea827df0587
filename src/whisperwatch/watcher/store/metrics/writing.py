"""Samples into the journal: what a series has counted since its last one, each once.

What was counted before is kept beside the points and committed with them. So a watcher that starts again, and gets all
values anew, neither counts them twice nor misses what came between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from whisperwatch.watcher.store.many import insert_many
from whisperwatch.watcher.store.metrics.points import FINE_S, SLOT_S, counts_of, pack, slot_of
from whisperwatch.watcher.store.metrics.rolling import rolled
from whisperwatch.watcher.store.metrics.taken import Identity, Sample, Taken
from whisperwatch.watcher.store.partitions import Database

_GAP_S: Final = 60
"""A process of which nothing was heard for longer has two lives."""
_SUM: Final = (
    "count = coalesce(journal.count + excluded.count, excluded.count), total = journal.total + excluded.total"
)
_ADD: Final = f" ON CONFLICT (t, series) DO UPDATE SET {_SUM}, buckets = excluded.buckets"
_SET: Final = (
    " ON CONFLICT (t, series) DO UPDATE SET total = excluded.total, least = excluded.least, most = excluded.most, "
    "last = excluded.last"
)

Counted = tuple[int, int | None, float, tuple[int, ...] | None]
"""start, count, total, buckets: cumulative."""


@dataclass(slots=True)
class _Life:
    id: int
    began: int
    ended: int


@dataclass(slots=True)
class _Pending:
    """Rows of one slot, put together before they are written."""

    added: list[tuple[Any, ...]] = field(default_factory=list)
    set: list[tuple[Any, ...]] = field(default_factory=list)
    totals: list[tuple[Any, ...]] = field(default_factory=list)


class Journal:
    """Writes samples; remembers what the file has, until `forget`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """A transaction was undone: what is remembered may not be in the file."""
        self._series: dict[Identity, int] = {}
        self._metrics: dict[tuple[Any, ...], int] = {}
        self._counted: dict[int, Counted] = {}
        self._lives: dict[tuple[str, int], _Life] = {}
        self._born: set[tuple[int, int]] = set()
        self._slot_buckets: tuple[int, dict[int, tuple[int, ...]]] = (0, {})

    def _after(self, database: Database) -> int:
        """The first slot that is not rolled up: a clock that was set back must not add to what is."""
        return rolled(database.connection).get(FINE_S, 0) + SLOT_S

    def write(self, database: Database, taken: Taken) -> None:
        """Write it, within the caller's transaction."""
        slot = max(slot_of(taken.at), self._after(database))
        lives = {who: self._live(database, who, slot) for who in taken.alive}
        pending = _Pending()
        if self._slot_buckets[0] != slot:
            self._slot_buckets = slot, {}
        for sample in taken.samples:
            series = self._number(database, sample.identity)
            if (life := lives.get((sample.identity.instance, sample.process))) is not None:
                self._bear(database, series, life, slot)
            if sample.identity.kind in ("counter", "histogram"):
                self._count(database, series, slot, sample, pending)
            else:
                pending.set.append((series, slot, 1, *sample.value * 4))
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

    def _count(self, database: Database, series: int, slot: int, sample: Sample, pending: _Pending) -> None:
        now = _counted(sample)
        before = self._before(database, series)
        same = before is not None and before[0] == sample.start
        _, count, total, buckets = _difference(now, before) if same and before is not None else now
        if (count if count is not None else total) < 0:
            return  # older than what is there
        if count or total:
            blob = None if buckets is None else self._packed(database, series, slot, buckets)
            pending.added.append((series, slot, count, total, blob))
        elif same:
            return
        self._counted[series] = now
        pending.totals.append((series, *now[:3], None if now[3] is None else pack(now[3])))

    def _packed(self, database: Database, series: int, slot: int, buckets: tuple[int, ...]) -> bytes:
        """The slot's buckets with these added."""
        of_slot = self._slot_buckets[1]
        before = of_slot.get(series)
        if before is None:
            before = _stored_buckets(database, series, slot, len(buckets))
        added = buckets if before is None else tuple(a + b for a, b in zip(buckets, before, strict=True))
        of_slot[series] = added
        return pack(added)

    def _before(self, database: Database, series: int) -> Counted | None:
        known = self._counted.get(series)
        if known is None:
            row = database.connection.execute(
                "SELECT start, count, total, buckets FROM totals WHERE series = ?", (series,)
            ).fetchone()
            if row is None:
                return None
            start, count, total, blob = row
            known = self._counted[series] = (start, count, total, None if blob is None else counts_of(blob))
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

    def _live(self, database: Database, who: tuple[str, int], slot: int) -> _Life:
        known = self._lives.get(who)
        if known is None:
            row = database.connection.execute(
                "SELECT id, began, ended FROM lives WHERE instance = ? AND start = ? ORDER BY ended DESC LIMIT 1",
                who,
            ).fetchone()
            known = None if row is None else _Life(*row)
        if known is None or slot - known.ended > _GAP_S:
            began = slot - SLOT_S
            made = database.connection.execute(
                "INSERT INTO lives (instance, start, began, ended) VALUES (?, ?, ?, ?)", (*who, began, slot)
            )
            again = known
            known = _Life(int(made.lastrowid or 0), began, slot)
            if again is not None:  # its series are all still there
                database.connection.execute(
                    "INSERT OR IGNORE INTO births SELECT series, ?, ? FROM births WHERE life = ?",
                    (known.id, began, again.id),
                )
        elif slot > known.ended:
            database.connection.execute("UPDATE lives SET ended = ? WHERE id = ?", (slot, known.id))
            known.ended = slot
        self._lives[who] = known
        return known

    def _bear(self, database: Database, series: int, life: _Life, slot: int) -> None:
        if (series, life.id) not in self._born:
            database.connection.execute(
                "INSERT OR IGNORE INTO births VALUES (?, ?, ?)", (series, life.id, slot)
            )
            self._born.add((series, life.id))


def _counted(sample: Sample) -> Counted:
    if sample.identity.kind == "counter":
        return sample.start, None, sample.value[0], None
    count, total, _, _, buckets = sample.value
    return sample.start, count, total, tuple(buckets)


def _difference(now: Counted, before: Counted) -> Counted:
    start, count, total, buckets = now
    if count is None or buckets is None:
        return start, None, total - before[2], None
    padded = (before[3] or ()) + (0,) * len(buckets)
    less = tuple(max(0, a - b) for a, b in zip(buckets, padded, strict=False))
    return start, count - (before[1] or 0), total - before[2], less


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
