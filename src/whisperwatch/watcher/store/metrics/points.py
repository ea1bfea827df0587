"""The tables of points, and what one is.

A point of a series tells of (t - step, t]: `t` is the end of its slot, so that a window (T - w, T] is a whole number
of points. At every level a point means the same:

counters    `total`: what was counted
gauges      `count` samples, their `total`, `least`, `most`, and the `last` one; of an hour, `last` is that of its last
            five minutes: an older one is nobody's last
histograms  `count` measurements, their `total`, and `buckets`

The newest minutes are in `journal`, by time, for that is how they come. Every five minutes they move on, by series, for
that is how they are asked for: each slot into `raw`, a minute into `minute`, five into `fine`, an hour into `coarse`.
There a point's series and time are one number, its row's: it takes three bytes instead of eight, and SQLite fills the
pages of rows that come in the order of their numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.partitions import Family, Partition

SLOT_S: Final = 15
MINUTE_S: Final = 60
FINE_S: Final = 300
COARSE_S: Final = 3600

_VALUES: Final = "count INTEGER, total REAL, least REAL, most REAL, last REAL, buckets BLOB"
VALUES: Final = "count, total, least, most, last, buckets"
COLUMNS: Final = f"series, t, {VALUES}"


@dataclass(frozen=True, slots=True)
class Level:
    """Points of one step (seconds) in their partitions."""

    step: int
    family: Family

    @property
    def slots(self) -> int:
        """How many points of a series are in a partition."""
        return self.family.length_s // self.step

    def id_of(self, series: int, t: int) -> int:
        """The number of the row of a point, in its partition; `t` is the end of a slot."""
        return series * self.slots + (t - 1) % self.family.length_s // self.step

    def slots_of(self, partition: Partition, start: int, end: int) -> range:
        """Which of a partition's points are of (start, end]."""
        first = max(0, (start - partition.start) // self.step)
        return range(first, min(self.slots, (end - partition.start) // self.step))

    def within(self, series: str, partition: Partition, start: int, end: int) -> str:
        """What SQL knows the points in (start, end] of a series by.

        Args:
            series: SQL of the series' number.
        """
        slots, base = self.slots_of(partition, start, end), f"{series} * {self.slots}"
        return f"{partition.name}.id BETWEEN {base} + {slots.start} AND {base} + {slots.stop - 1}"


def _level(name: str, step: int, partition_s: int) -> Level:
    slots = partition_s // step
    table = (
        f"CREATE TABLE {{table}} (id INTEGER PRIMARY KEY, {_VALUES}, series INTEGER AS (id / {slots}), "
        f"t INTEGER AS ({{start}} + (id % {slots} + 1) * {step}))"
    )
    return Level(step, Family(f"points_{name}", partition_s, (table,)))


RAW: Final = _level("raw", SLOT_S, 3600)
MINUTE: Final = _level("minute", MINUTE_S, 21_600)
FINE: Final = _level("fine", FINE_S, 86_400)
COARSE: Final = _level("coarse", COARSE_S, 864_000)
LEVELS: Final = (RAW, MINUTE, FINE, COARSE)
"""From the finest on: each is made of the one before."""

SCHEMA: Final = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL, "
    "bounds TEXT NOT NULL, UNIQUE (name, kind, unit, bounds))",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, metric INTEGER NOT NULL, instance TEXT NOT NULL, "
    "attributes TEXT NOT NULL, UNIQUE (metric, instance, attributes))",
    # what a series has counted since its cell's start, as far as it is in the points: the next one is the difference.
    # Two processes may be one instance, if the operator says so: each counts from its own start
    "CREATE TABLE totals (series INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER, total REAL, buckets BLOB, "
    "PRIMARY KEY (series, start)) WITHOUT ROWID",
    # when a process lived: it could have counted, and didn't
    "CREATE TABLE lives (id INTEGER PRIMARY KEY, instance TEXT NOT NULL, start INTEGER NOT NULL, "
    "began INTEGER NOT NULL, ended INTEGER NOT NULL)",
    "CREATE TABLE births (series INTEGER NOT NULL, life INTEGER NOT NULL, born INTEGER NOT NULL, "
    "PRIMARY KEY (series, life)) WITHOUT ROWID",
    f"CREATE TABLE journal (series INTEGER NOT NULL, t INTEGER NOT NULL, {_VALUES}, PRIMARY KEY (t, series)) "
    "WITHOUT ROWID",
    # up to which time (unix s) a level has everything
    "CREATE TABLE rolled (step INTEGER PRIMARY KEY, until INTEGER NOT NULL)",
)


def slot_of(at: float, step: int = SLOT_S) -> int:
    """The end of the slot that `at` is in: a time that is an end itself is in the slot that it ends."""
    return math.ceil(at / step) * step
