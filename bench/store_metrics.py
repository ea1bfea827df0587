"""What the embedded store takes and how long its questions and reports take: `python -m bench.store_metrics`.

A bot of 500 series (100 histograms of 14 buckets, 200 counters, 200 gauges) over 30 days by five minutes and by the
hour, and its last 6 hours by 15 seconds. The month is loaded in bulk, as the roll-ups leave it; the writing that is
timed is the live way. Beside it are the traces of a day's messages, for the report that looks into them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path

from bench.message_traces import SPANS, messages
from whisperwatch import semconv
from whisperwatch.watcher.answers.reports import Reports
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.records import LocalStream
from whisperwatch.watcher.store.metrics import Identity, Metrics, Sample, Taken
from whisperwatch.watcher.store.metrics.points import COARSE, COLUMNS, FINE, MINUTE, RAW, Level, pack
from whisperwatch.watcher.store.partitions import Database
from whisperwatch.watcher.store.store import Store
from whisperwatch.watcher.store.traces import Traces

DAYS = 30
RAW_S = 6 * 3600
BOUNDS = tuple(semconv.SECONDS[:13])
COMMANDS = [f"command{number}" for number in range(20)]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--messages", type=int, default=20_000, help="of the last day, whose traces are kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_metrics(Path(folder) / "metrics.db", given.days, given.messages))
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


async def _metrics(path: Path, days: int, count: int) -> None:
    now = int(time.time()) // 3600 * 3600
    taken: list[Taken] = []
    traces = Traces()
    store = Store(
        path,
        [Metrics(lambda: taken.pop() if taken else None), traces],
        lambda: 10**12,
        LocalStream({}),
        lambda: float(now),
    )
    await store.open()
    identities = list(_series())
    # the live way, to define them and to time it
    times = []
    for turn in range(20):
        taken.append(_changed(identities, now - 20 + turn, turn + 1))
        began = time.perf_counter()
        assert await store.write(), store.state
        times.append(time.perf_counter() - began)
    print(f"write of 500 changed series, fsync and all: {_ms(times)}")
    await store.do(_empty)
    began = time.perf_counter()
    for level, since in (
        (FINE, now - days * 86_400),
        (COARSE, now - days * 86_400),
        (MINUTE, now - RAW_S),
        (RAW, now - RAW_S),
    ):
        for start in range(since, now, level.family.length_s):
            await store.do(partial(_load, level, start, now))
    await store.do(lambda database: roll_marks(database, now))
    print(f"loaded {days} days in {time.perf_counter() - began:.0f} s")
    await store.do(lambda database: database.connection.execute("SELECT 1"))
    print(f"file: {store_size(path) / 1e6:.0f} MB")
    parts = messages(count, now - 86_400, now, random.Random(1))
    while some := tuple(itertools.islice(parts, 2_000)):
        traces.add(some)
        assert await store.write(), store.state
    print(f"and {count:,} traces of {SPANS} spans: {store_size(path) / 1e6:.0f} MB")
    engine = EmbeddedMetrics(store.readers)
    for name, grid in _grids(now, days):
        for measure in _measures():
            await _ask(name, engine, measure, grid)
    asking = Asking(Engines(engine, traces=EmbeddedTraces(store.readers)), now=lambda: float(now))
    reports = Reports(asking)
    for question, arguments in _reports():
        times = [await _timed(reports.tellers[question](arguments)) for _ in range(5)]
        print(f"report {question} {' '.join(arguments.values()):<32} {_ms(times)}")
    await store.stop()


def store_size(path: Path) -> int:
    """Bytes of the file and of its write-ahead log."""
    return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*"))


def roll_marks(database: Database, now: int) -> None:
    """All is rolled up to now."""
    database.connection.execute("DELETE FROM rolled")
    for level in (MINUTE, FINE, COARSE):
        database.connection.execute("INSERT INTO rolled VALUES (?, ?)", (level.step, now))
    database.connection.execute("UPDATE lives SET began = 0, ended = ?", (now,))
    database.connection.execute("UPDATE births SET born = 0")
    database.connection.execute("UPDATE partitions SET settled = 1")


def _empty(database: Database) -> None:
    database.connection.execute("DELETE FROM journal")


def _load(level: Level, start: int, now: int, database: Database) -> None:
    """Points of all series from `start` to the end of its partition, in order."""
    connection = database.connection
    table = database.table(level.family, start)
    end = min(now, start // level.family.length_s * level.family.length_s + level.family.length_s)
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY, buckets BLOB)")
    if not connection.execute("SELECT count(*) FROM blobs").fetchone()[0]:
        chance = random.Random(1)
        rows = [(number, pack(_buckets(chance))) for number in range(512)]
        connection.executemany("INSERT INTO blobs VALUES (?, ?)", rows)
    some = "abs(random() % 1000)"
    connection.execute(
        f"WITH RECURSIVE moments(t) AS (SELECT {start + level.step} UNION ALL SELECT t + {level.step} FROM moments "
        f"WHERE t + {level.step} <= {end}) "
        f"INSERT INTO {table} ({COLUMNS}) SELECT series.id, t, "
        f"CASE kind WHEN 'counter' THEN NULL WHEN 'histogram' THEN {some} ELSE 20 END, "
        f"CASE kind WHEN 'counter' THEN {some} ELSE {some} * 1.37 END, "
        f"CASE kind WHEN 'gauge' THEN {some} * 0.77 END, CASE kind WHEN 'gauge' THEN {some} * 1.77 END, "
        f"CASE kind WHEN 'gauge' THEN {some} * 1.03 END, "
        "CASE kind WHEN 'histogram' THEN (SELECT buckets FROM blobs WHERE blobs.id = abs(random() + t) % 512) END "
        "FROM series JOIN metrics ON metrics.id = metric CROSS JOIN moments ORDER BY 1, 2"
    )


def _buckets(chance: random.Random) -> list[int]:
    middle = chance.randrange(3, 9)
    return [chance.randrange(200) if abs(at - middle) < 4 else 0 for at in range(len(BOUNDS) + 1)]


def _series() -> Iterator[Identity]:
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


def _grids(now: int, days: int) -> Iterator[tuple[str, Grid]]:
    yield "6 h", Grid(now, now, RAW_S, RAW_S)
    yield "6 h by 5 min", Grid(now - RAW_S + 300, now, 300, 300)
    yield "6 h by 3 min", Grid(now - RAW_S + 180, now, 180, 180)
    yield f"{days} d", Grid(now - 900, now - 900, days * 86_400 - 86_400, days * 86_400 - 86_400)
    yield f"{days} d by 6 h", Grid(now - days * 86_400 + 21_600, now, 21_600, 21_600)


def _measures() -> Iterator[Measure]:
    yield Measure("increase", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND, semconv.OUTCOME))
    yield Measure("increase", semconv.GATEWAY_EVENTS.name, (), (semconv.EVENT,))
    yield Measure("increase", semconv.ERRORS.name, (), (semconv.ERROR_CATEGORY,))
    yield Measure("quantile", semconv.COMMAND_DURATION.name, (), (semconv.COMMAND,), 0.95)
    yield Measure("avg", semconv.HTTP_DURATION.name, (), (semconv.ROUTE,))
    yield Measure("last", semconv.SHARD_GUILDS.name)
    yield Measure("max", semconv.GATEWAY_LATENCY.name, (), (semconv.SHARD,))


def _reports() -> Iterator[tuple[str, dict[str, str]]]:
    """All of them; of these series only some have data, as a bot's own would."""
    for period in ("1h", "30d"):
        for view in ("response-times", "history", "resources", "bottlenecks"):
            yield "performance", {"view": view, "period": period}
        yield "performance", {"view": "component", "name": "discord", "period": period}
        for question in ("engagement", "cache", "memory"):
            yield question, {"period": period}


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _ask(name: str, engine: EmbeddedMetrics, measure: Measure, grid: Grid) -> None:
    times = [await _timed(engine.measure(measure, DECLARED[measure.metric], grid)) for _ in range(5)]
    print(f"{name:<12} {measure.function:<9} {measure.metric:<32} {_ms(times)}")


def _ms(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:8.1f} ms (least {min(times) * 1000:.1f})"


if __name__ == "__main__":
    main()
