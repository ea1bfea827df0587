"""Real servers that are killed while telemetry is on its way: a Prometheus that is sent metrics by the watcher itself,
and the collector with full queues, whose stores are away. What was recorded is what they have in the end."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from tests.bot.ship.conftest import Collector as Receiver
from tests.stack.programs import PATIENCE_S, Stack, folder, free_port, wait_for

from whisperwatch.watcher.health import checks
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.pipeline.delivery import Backoff
from whisperwatch.watcher.records import LocalStream, Stream
from whisperwatch.watcher.settings import Export, Target

APART_S = 0.05


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """One that may be killed."""
    programs = folder()
    if programs is None:
        pytest.skip("the stack's programs are not built: make stack-tools")
    running = Stack(programs, tmp_path / "stack")
    running.data.mkdir()
    yield running
    running.stop()


class Bot:
    """A counter, spans and log records on their way to where `targets` are, by signal."""

    def __init__(self, spool: Path, **targets: str) -> None:
        self.told: list[int] = []
        self.stream = Stream({"service.name": "outages"})
        definitions = [
            ("scope", 1, "whisperwatch", None, None, None),
            ("instrument", 1, 1, "told", "counter", "1", "", None), ("cell", 1, 1, {}, 0),
        ]  # fmt: skip
        self.stream.take(("batch", 1, time.time_ns(), definitions, [], [], {}))
        self.stream.returned = time.time_ns()
        there = {
            signal: Target(url, "http/protobuf", (), 10.0, "none", None, None, None)
            for signal, url in targets.items()
        }
        defaults: dict[str, Any] = {
            "traces": None, "metrics": None, "metric_interval_s": 3600.0, "metric_timeout_s": 30.0,
            "span_delay_s": 0.1, "span_timeout_s": 30.0, "span_queue": None, "span_batch": 512,
            "buffer_bytes": 32_000_000, "temporality": "cumulative", "expose_ids": False, "log_delay_s": 0.1,
        }  # fmt: skip
        self.pipeline = Pipeline(
            Export(**{**defaults, **there}), bytes(32), lambda: [self.stream], LocalStream({}),
            lambda: Backoff(0.05, 0.5), spool=spool,
        )  # fmt: skip

    def turn(self) -> None:
        """One more is counted and exported; a span and a log record have its number."""
        self.told.append(n := len(self.told) + 1)
        now, about = time.time_ns(), {"number": n}
        self.stream.take(("batch", 1 + n, 0, [], [], [(1, n)], {}))
        span = (n, n, 0, 1, None, "turn", 0, now, now, 0, about, 0, None, None, None, 1, None)
        self.pipeline.add_spans(self.stream, [span], 0)
        log = (now, 9, "INFO", "bot", f"turn {n}", None, 0, 0, 0, None, None, None)
        self.pipeline.add_logs(self.stream, [log], 0)
        self.pipeline.export_metrics()

    async def live(self, turns: int) -> None:
        """So many turns, one after the other."""
        for _ in range(turns):
            self.turn()
            await asyncio.sleep(APART_S)

    async def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self.pipeline._settled.clear()
                await self.pipeline._settled.wait()


@pytest.fixture
async def bot(own_stack: Stack, tmp_path: Path) -> AsyncIterator[Bot]:
    made = Bot(tmp_path / "spool", metrics=f"{own_stack.prometheus}/api/v1/otlp/v1/metrics")
    await made.pipeline.start()
    yield made
    await made.pipeline.stop(0)


def kept(url: str) -> list[int]:
    """Every sample that Prometheus has of it, in order."""
    query = urllib.parse.urlencode({"query": "told_total[1h]"})
    return [int(value) for series in asked(f"{url}/api/v1/query?{query}") for _, value in series["values"]]


def logged(url: str) -> list[int]:
    """The number of every log record that Loki has of it."""
    query = urllib.parse.urlencode({"query": '{service_name="outages"}', "limit": 5000, "since": "1h"})
    found = asked(f"{url}/loki/api/v1/query_range?{query}")
    return sorted(int(line.split()[-1]) for stream in found for _, line, *_ in stream["values"])


def asked(url: str) -> list[Any]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return list(json.load(response)["data"]["result"])


async def test_a_killed_prometheus_loses_no_sample(own_stack: Stack, bot: Bot) -> None:
    url = own_stack.prometheus
    await bot.live(20)
    await bot.until(lambda: not bot.pipeline.state.waiting_bytes)
    own_stack.kill("prometheus")
    await bot.live(20)
    await bot.until(lambda: bot.pipeline.state.spooled_bytes)
    check = checks.export(bot.pipeline.state)
    assert check.status == "degraded"
    assert "wait on the disk" in check.text
    await asyncio.to_thread(own_stack.start_again, "prometheus")
    await bot.live(20)
    await bot.until(lambda: not bot.pipeline.state.waiting_bytes)
    assert checks.export(bot.pipeline.state).status == "healthy"
    assert await asyncio.to_thread(kept, url) == bot.told


async def test_samples_that_are_too_old_are_named_and_block_nothing(own_stack: Stack, bot: Bot) -> None:
    await bot.live(1)
    with time_machine.travel(time.time() - 5 * 86_400):
        bot.turn()
    await bot.live(1)
    await bot.until(lambda: not bot.pipeline.state.waiting_bytes)
    check = checks.export(bot.pipeline.state)
    assert check.status == "degraded"
    assert "out_of_order_time_window" in check.text, check.text
    assert await asyncio.to_thread(kept, own_stack.prometheus) == [1, 3]


async def test_a_killed_collector_loses_nothing_of_its_queues(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stores are away, so all that it was sent is in its queues when it is killed."""
    tempo = free_port()
    monkeypatch.setenv("WHISPERWATCH_TEST_TEMPO_OTLP", f"http://127.0.0.1:{tempo}")
    url, prometheus, loki = own_stack.collector, own_stack.prometheus, own_stack.loki
    for store in ("prometheus", "loki"):
        own_stack.kill(store)
    ways = {signal: f"{url}/v1/{signal}" for signal in ("traces", "metrics", "logs")}
    bot = Bot(tmp_path / "spool", **ways)
    await bot.pipeline.start()
    await bot.live(50)
    assert await bot.pipeline.flush(PATIENCE_S)
    assert not bot.pipeline.state.waiting_bytes, "the collector has all of it"
    own_stack.kill("otelcol")
    await bot.live(50)
    await bot.until(lambda: bot.pipeline.state.spooled_bytes)
    tempo_itself = Receiver(tempo)
    try:
        for name in ("prometheus", "loki", "otelcol"):
            await asyncio.to_thread(own_stack.start_again, name)
        await bot.until(lambda: not bot.pipeline.state.waiting_bytes)
        await asyncio.to_thread(wait_for, lambda: len(tempo_itself.spans) >= 100, "all spans")
        await asyncio.to_thread(wait_for, lambda: len(logged(loki)) >= 100, "all log records")
        await asyncio.to_thread(wait_for, lambda: len(set(kept(prometheus))) >= 100, "all samples")
        assert sorted(tempo_itself.spans) == bot.told
        assert await asyncio.to_thread(logged, loki) == bot.told
        assert sorted(set(await asyncio.to_thread(kept, prometheus))) == bot.told
    finally:
        tempo_itself.close()
        await bot.pipeline.stop(0)
