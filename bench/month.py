"""A bot's month: 500 series (100 histograms of 14 buckets, 200 counters, 200 gauges) over 30 days by five minutes and
by the hour, the last 6 hours by 15 seconds, and the traces of a day's messages.

The month is loaded in bulk, as the roll-ups leave it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.message_traces import messages
from whisperwatch import semconv
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store.metrics import Identity, Metrics, Sample, Taken
from whisperwatch.watcher.store.metrics.buckets import pack
from whisperwatch.watcher.store.metrics.points import COARSE, FINE, MINUTE, RAW, VALUES, Level
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.store.traces import Traces

DAYS = 30
RAW_S = 6 * 3600
BOUNDS = tuple(semconv.SECONDS[:13])
COMMANDS = [f"command{number}" for number in range(20)]


class Month:
    """A store that has, or will have, such a month up to `now` (unix seconds, a whole hour).

    Attributes:
        store: not yet open.
    """

    def __init__(self, path: Path, now: int) -> None:
        self.path, self.now = path, now
        self.identities = list(series())
        self._taken: list[Taken] = []
        self._traces = Traces()
        metrics = Metrics(lambda: self._taken.pop() if self._taken else None)
        self.store = Store(path, [metrics, self._traces], lambda: 10**12, LocalStream({}), lambda: float(now))

    @property
    def size(self) -> int:
        """Bytes of the file and of its write-ahead log."""
        return sum(one.stat().st_size for one in self.path.parent.glob(f"{self.path.name}*"))

    async def change(self, turn: int) -> None:
        """Write that all series have changed, the live way: the store has to know them before the month is loaded."""
        self._taken.append(_changed(self.identities, self.now - 20 + turn, turn + 1))
        assert await self.store.write(), self.store.state

    async def load(self, days: int = DAYS) -> None:
        """The points of so many days."""
        now = self.now
        await self.store.do(_empty)
        for level, since in (
            (FINE, now - days * 86_400),
            (COARSE, now - days * 86_400),
            (MINUTE, now - RAW_S),
            (RAW, now - RAW_S),
        ):
            start, length_s = since, level.family.length_s
            while start < now:
                end = min(now, (start // length_s + 1) * length_s)
                await self.store.do(partial(_load, level, start, end))
                start = end
        await self.store.do(lambda database: _roll_marks(database, now))
        await self.store.do(lambda database: database.connection.execute("SELECT 1"))

    async def trace(self, count: int) -> None:
        """The traces of so many messages of the last day."""
        parts = messages(count, self.now - 86_400, self.now, random.Random(1))
        while some := tuple(itertools.islice(parts, 2_000)):
            self._traces.add(some)
            assert await self.store.write(), self.store.state


def _roll_marks(database: Database, now: int) -> None:
    """All is rolled up to now."""
    database.connection.execute("DELETE FROM rolled")
    for level in (MINUTE, FINE, COARSE):
        database.connection.execute("INSERT INTO rolled VALUES (?, ?)", (level.step, now))
    database.connection.execute("UPDATE lives SET began = 0, ended = ?", (now,))
    database.connection.execute("UPDATE births SET born = 0")
    database.connection.execute("UPDATE partitions SET settled = 1")


def _empty(database: Database) -> None:
    database.connection.execute("DELETE FROM journal")


def _load(level: Level, start: int, end: int, database: Database) -> None:
    """Points of all series of (start, end], which is of one partition, in order."""
    connection = database.connection
    table = database.table(level.family, start)
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY, buckets BLOB)")
    if not connection.execute("SELECT count(*) FROM blobs").fetchone()[0]:
        chance = random.Random(1)
        rows = [(number, pack(_buckets(chance))) for number in range(512)]
        connection.executemany("INSERT INTO blobs VALUES (?, ?)", rows)
    some = "abs(random() % 1000)"
    connection.execute(
        f"WITH RECURSIVE moments(t) AS (SELECT {start + level.step} UNION ALL SELECT t + {level.step} FROM moments "
        f"WHERE t + {level.step} <= {end}) "
        f"INSERT INTO {table} (id, {VALUES}) SELECT "
        f"series.id * {level.slots} + (t - 1) % {level.family.length_s} / {level.step}, "
        f"CASE kind WHEN 'counter' THEN NULL WHEN 'histogram' THEN {some} ELSE 20 END, "
        f"CASE kind WHEN 'counter' THEN {some} ELSE {some} * 1.37 END, "
        f"CASE kind WHEN 'gauge' THEN {some} * 0.77 END, CASE kind WHEN 'gauge' THEN {some} * 1.77 END, "
        f"CASE kind WHEN 'gauge' THEN {some} * 1.03 END, "
        "CASE kind WHEN 'histogram' THEN (SELECT buckets FROM blobs WHERE blobs.id = abs(random() + t) % 512) END "
        "FROM series JOIN metrics ON metrics.id = metric CROSS JOIN moments ORDER BY series.id, t"
    )


def _buckets(chance: random.Random) -> list[int]:
    middle = chance.randrange(3, 9)
    return [chance.randrange(200) if abs(at - middle) < 4 else 0 for at in range(len(BOUNDS) + 1)]


def series() -> Iterator[Identity]:
    """The attribute sets."""

    def of(metric: semconv.Metric, attributes: dict[str, str]) -> Identity:
        bounds = BOUNDS if metric.kind == "histogram" else ()
        return Identity(
            metric.name, metric.kind, metric.unit, bounds, "one", tuple(sorted(attributes.items()))
        )

    for command in COMMANDS:
        for outcome in ("ok", "failure", "user_error"):
            yield of(semconv.COMMAND_DURATION, {semconv.COMMAND: command, semconv.OUTCOME: outcome})
    for route in range(16):
        yield of(semconv.HTTP_DURATION, {semconv.ROUTE: f"/route/{route}"})
    yield of(semconv.LOOP_LAG, {})
    yield of(semconv.GC_PAUSE, {semconv.GC_GENERATION: "2"})
    yield of(semconv.DB_CONNECTION_WAIT, {semconv.DB_POOL: "localhost:5432/bot"})
    yield of(semconv.HTTP_WAIT, {semconv.ROUTE: "/route/0"})
    for number in range(4):
        yield of(
            semconv.LLM_DURATION,
            {semconv.GEN_AI_OPERATION: "chat", semconv.GEN_AI_REQUEST_MODEL: f"{number}"},
        )
        yield of(semconv.DB_DURATION, {semconv.DB_SYSTEM: "postgresql", semconv.DB_OPERATION: f"{number}"})
        yield of(semconv.DB_DURATION, {semconv.DB_SYSTEM: "redis", semconv.DB_OPERATION: f"{number}"})
        yield of(semconv.MEMORY_DURATION, {semconv.MEMORY_OPERATION: semconv.MEMORY_OPERATIONS[number]})
        yield of(
            semconv.EVENT_DURATION, {semconv.EVENT: ("message", "interaction", "typing", "ready")[number]}
        )
    for shard in range(10):
        for event in range(16):
            yield of(semconv.GATEWAY_EVENTS, {semconv.SHARD: str(shard), semconv.EVENT: f"EVENT_{event}"})
    for number in range(40):
        yield of(semconv.ERRORS, {semconv.ERROR_CATEGORY: semconv.CATEGORIES[number % 4], "n": str(number)})
    for shard in range(100):
        yield of(semconv.GATEWAY_LATENCY, {semconv.SHARD: str(shard)})
        yield of(semconv.SHARD_GUILDS, {semconv.SHARD: str(shard)})


def _changed(identities: list[Identity], at: float, turn: int) -> Taken:
    buckets = (turn,) * (len(BOUNDS) + 1)
    samples = [
        Sample(
            one, 1, (turn * 14, turn * 1.5, None, None, buckets) if one.kind == "histogram" else (turn,), 1
        )
        for one in identities
    ]
    return Taken(at, tuple(samples), frozenset({("one", 1)}))
