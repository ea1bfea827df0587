"""What the embedded store takes and how long its questions and reports take.

    python -m bench.store_metrics [--days N] [--prometheus PROGRAM]

Of `bench.month`'s bot. The writing that is timed is the live way. With a Prometheus (the program is started; `make
stack-tools` builds one) it is filled with the same series, and asked the same questions in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from bench import month_in_prometheus
from bench.message_traces import SPANS
from bench.month import DAYS, RAW_S, Month
from bench.month_in_prometheus import Running
from whisperwatch import semconv
from whisperwatch.watcher.answers.reports import Reports
from whisperwatch.watcher.query.asking import Asking, Engines
from whisperwatch.watcher.query.catalogue import DECLARED
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.embedded.traces import EmbeddedTraces
from whisperwatch.watcher.query.engines import MetricEngine
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.language import Grid, Measure
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.settings.stores import StoreTarget


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--messages", type=int, default=20_000, help="of the last day, whose traces are kept")
    parser.add_argument("--prometheus", help="the program")
    given = parser.parse_args()
    now, before = int(time.time()) // 3600 * 3600, _peak_mib()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        prometheus = None
        if given.prometheus:
            prometheus = stack.enter_context(month_in_prometheus.running(given.prometheus, Path(folder)))
            month_in_prometheus.send(prometheus.url, given.days, now)
        asyncio.run(_metrics(Path(folder) / "metrics.db", given.days, given.messages, now, prometheus))
        if prometheus:
            print(f"Prometheus: {prometheus.size / 1e6:.0f} MB, of memory {prometheus.memory / 1e6:.0f}")
    print(f"peak memory of this process: {_peak_mib():.0f} MiB, {before:.0f} before the store was opened")


async def _metrics(path: Path, days: int, count: int, now: int, prometheus: Running | None) -> None:
    month = Month(path, now)
    store = month.store
    await store.open()
    times = [await _timed(month.change(turn)) for turn in range(20)]
    print(f"write of 500 changed series, fsync and all: {_ms(times)}")
    print(f"loaded {days} days in {await _timed(month.load(days)):.0f} s")
    print(f"file: {month.size / 1e6:.0f} MB")
    await month.trace(count)
    print(f"and {count:,} traces of {SPANS} spans: {month.size / 1e6:.0f} MB")
    engine = EmbeddedMetrics(store.readers)
    async with AsyncExitStack() as stack:
        engines: list[MetricEngine] = [engine]
        if prometheus:
            client = StoreClient(StoreTarget("prometheus", prometheus.url, (), None, None, None, 60.0))
            stack.push_async_callback(client.close)
            engines.append(Prometheus(client, f'job="{month_in_prometheus.SERVICE}"'))
        for name, grid in _grids(now, days):
            for measure in _measures():
                await _ask(name, engines, measure, grid)
    asking = Asking(Engines(engine, traces=EmbeddedTraces(store.readers)), now=lambda: float(now))
    reports = Reports(asking)
    for question, arguments in _reports():
        times = [await _timed(reports.tellers[question](arguments)) for _ in range(5)]
        print(f"report {question} {' '.join(arguments.values()):<32} {_ms(times)}")
    await store.stop()


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


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _ask(name: str, engines: Sequence[MetricEngine], measure: Measure, grid: Grid) -> None:
    told = []
    for engine in engines:
        asked = [await _timed(engine.measure(measure, DECLARED[measure.metric], grid)) for _ in range(5)]
        told.append(f"{engine.name} {_ms(asked)}")
    print(f"{name:<12} {measure.function:<9} {measure.metric:<32} {', '.join(told)}", flush=True)


def _ms(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:8.1f} ms (least {min(times) * 1000:.1f})"


if __name__ == "__main__":
    main()
