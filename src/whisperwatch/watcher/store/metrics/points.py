"""The tables of points, and what one is.

A point of a series tells of (t - step, t]: `t` is the end of its slot, so that a window (T - w, T] is a whole number
of points. At every level a point means the same:

counters    `total`: what was counted
gauges      `count` samples, their `total`, `least`, `most`, and the `last` one; of an hour, `last` is that of its last
            five minutes: an older one is nobody's last
histograms  `count` measurements, their `total`, and `buckets`

The newest minutes are in `journal`, by time, for that is how they come. Every five minutes they move on, by series, for
that is how they are asked for: each slot into `raw`, a minute into `minute`, five into `fine`, an hour into `coarse`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from whisperwatch.watcher.store.partitions import Family

SLOT_S: Final = 15
MINUTE_S: Final = 60
FINE_S: Final = 300
COARSE_S: Final = 3600

_COLUMNS: Final = (
    "series INTEGER NOT NULL, t INTEGER NOT NULL, count INTEGER, total REAL, least REAL, most REAL, last REAL, "
    "buckets BLOB"
)
COLUMNS: Final = "series, t, count, total, least, most, last, buckets"


@dataclass(frozen=True, slots=True)
class Level:
    """Points of one step (seconds) in their partitions."""

    step: int
    family: Family


def _level(name: str, step: int, partition_s: int) -> Level:
    table = f"CREATE TABLE {{table}} ({_COLUMNS}, PRIMARY KEY (series, t)) WITHOUT ROWID"
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
    f"CREATE TABLE journal ({_COLUMNS}, PRIMARY KEY (t, series)) WITHOUT ROWID",
    # up to which time (unix s) a level has everything
    "CREATE TABLE rolled (step INTEGER PRIMARY KEY, until INTEGER NOT NULL)",
)


def slot_of(at: float, step: int = SLOT_S) -> int:
    """The end of the slot that `at` is in: a time that is an end itself is in the slot that it ends."""
    return math.ceil(at / step) * step


_LANE: Final = 5
"""Bytes of one bucket's count in a blob: sums of them can't overflow below 10^12."""
_MOST_EMPTY: Final = 255
"""What the first byte can say."""


def pack(counts: Sequence[int]) -> bytes:
    """Bucket counts as a blob: how many empty ones come first, then a number with a lane for each of the others."""
    first = min(next((index for index, count in enumerate(counts) if count), len(counts)), _MOST_EMPTY)
    lanes = b"".join(count.to_bytes(_LANE, "little") for count in counts[first:])
    return bytes((first,)) + lanes.rstrip(b"\0")


def number(blob: bytes) -> int:
    """A blob as a number with a lane for each bucket: such numbers are added, instead of their counts."""
    return int.from_bytes(blob[1:], "little") << (8 * _LANE * blob[0])


def unpack(total: int, buckets: int) -> list[int]:
    """The counts in a number (or a sum of such)."""
    lanes = total.to_bytes(_LANE * buckets, "little")
    return [int.from_bytes(lanes[at : at + _LANE], "little") for at in range(0, len(lanes), _LANE)]


def repack(total: int) -> bytes:
    """A number as a blob again."""
    if not total:
        return b"\0"
    first = min(((total & -total).bit_length() - 1) // (8 * _LANE), _MOST_EMPTY)
    shifted = total >> (8 * _LANE * first)
    return bytes((first,)) + shifted.to_bytes((shifted.bit_length() + 7) // 8, "little")


def counts_of(blob: bytes) -> tuple[int, ...]:
    """The counts of a blob, without the empty ones at its end."""
    return tuple(unpack(number(blob), blob[0] + -(-(len(blob) - 1) // _LANE)))
