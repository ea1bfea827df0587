"""The pipeline while its collector is away, with a spool: what it was given is what arrives, or is counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from whisperwatch.watcher.health import checks
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.pipeline.delivery import Backoff, Delivery, Pace
from whisperwatch.watcher.records import LocalStream, Stream

OFFSET = 1_700_000_000_000_000_000
AT_ONCE = 1e12
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835


class Watch:
    """A bot's records on their way through one pipeline after another, and what came of them."""

    def __init__(self, export: Any, folder: Path, url: str, **changed: Any) -> None:
        self._export, self._folder = export, folder
        self._url, self._changed = url, changed
        self.made: Counter[str] = Counter()
        self.owns: list[LocalStream] = []
        self.pipelines: list[Pipeline] = []

    async def start(self, target: Any, pace: float = AT_ONCE) -> Pipeline:
        """A watcher starts."""
        self.stream = Stream({"service.name": "bot"})
        definitions = [
            ("scope", 1, "whisperwatch", None, None, None),
            ("instrument", 1, 1, "c", "counter", "1", "", None), ("cell", 1, 1, {}, 0),
        ]  # fmt: skip
        self.stream.take(("batch", 1 + self.made["seconds"], OFFSET, definitions, [], [], {}))
        self.stream.returned = OFFSET + 1
        own = LocalStream({})
        there = {name: target(f"{self._url}/v1/{name}") for name in ("traces", "metrics", "logs")}
        pipeline = Pipeline(
            self._export(**there, span_batch=100, **self._changed), bytes(32), lambda: [self.stream], own,
            lambda: Backoff(0.01, 0.1), spool=self._folder, pace=lambda: Pace(pace),
        )  # fmt: skip
        self.owns.append(own)
        self.pipelines.append(pipeline)
        await pipeline.start()
        return pipeline

    async def second(self, spans: int = 20) -> None:
        """A second of the bot's life, in no time."""
        n, pipeline = self.made, self.pipelines[-1]
        pipeline.add_spans(self.stream, [span(n["spans"] + one) for one in range(spans)], OFFSET)
        pipeline.add_logs(self.stream, [log(n["logs"] + one) for one in range(spans // 4)], OFFSET)
        n["spans"] += spans
        n["logs"] += spans // 4
        n["seconds"] += 1
        self.stream.take(("batch", 2 + n["seconds"], OFFSET, [], [], [(1, n["seconds"])], {}))
        if n["seconds"] % 15 == 0:
            pipeline.export_metrics()
        await asyncio.sleep(0)

    def dropped(self) -> Counter[tuple[str, ...]]:
        """By signal and reason, by all pipelines together."""
        found: Counter[tuple[str, ...]] = Counter()
        for own in self.owns:
            for instrument in own.instruments:
                if instrument.name == "whisperwatch.export.dropped":
                    for cell in instrument.cells:
                        if cell.value and cell.value[0]:
                            found[tuple(cell.attributes.values())] += cell.value[0]
        return found

    async def kill(self) -> None:
        """As a kill does it: nothing is said, closed or flushed."""
        pipeline = self.pipelines[-1]
        for task in pipeline._tasks:
            task.cancel()
        await asyncio.gather(*pipeline._tasks, return_exceptions=True)
        pipeline._tasks.clear()


def span(n: int) -> tuple[Any, ...]:
    """The n-th, which is told by its start; its ids can't be compressed, as real ones can't."""
    trace_id, span_id = n * _ODD % 2**128 + 1, n * _ODD % 2**64 + 1
    return (trace_id, span_id, 0, 1, None, "n", 0, n, n + 1, 0, {"k": "v"}, 0, None, None, None, 1, None)


def log(n: int) -> tuple[Any, ...]:
    return (n, 9, "INFO", "bot", "hello", None, 0, 0, 0, None, None, None)


class Taken:
    """What a collector has taken, by signal, in the order of its coming."""

    def __init__(self, collector: Any) -> None:
        self._collector = collector

    @property
    def spans(self) -> list[int]:
        return [s.start_time_unix_nano - OFFSET for r in self._of("/v1/traces") for s in r.spans]

    @property
    def logs(self) -> list[int]:
        return [one.time_unix_nano - OFFSET for r in self._of("/v1/logs") for one in r.logs]

    @property
    def metrics(self) -> list[int]:
        return [p.as_int for r in self._of("/v1/metrics") for p in r.metrics["c"].sum.data_points]

    def _of(self, path: str) -> list[Any]:
        return [request for request in self._collector.taken if request.path == path]


async def all_sent(pipeline: Pipeline) -> None:
    await pipeline.flush(5)
    async with asyncio.timeout(30):
        while pipeline.state.waiting_bytes:
            pipeline._settled.clear()
            await pipeline._settled.wait()


@pytest.fixture
async def watch(export, tmp_path, unused_tcp_port) -> AsyncIterator[Callable[..., Watch]]:
    """Makes a watch whose collector is at a port where nobody is yet."""
    made: list[Watch] = []

    def make(**changed: Any) -> Watch:
        made.append(Watch(export, tmp_path / "spool", f"http://127.0.0.1:{unused_tcp_port}", **changed))
        return made[-1]

    yield make
    for one in made:
        for pipeline in one.pipelines:
            await pipeline.stop(0)


@pytest.fixture
async def come(collector, unused_tcp_port) -> AsyncIterator[Callable[[], Any]]:
    """The collector comes."""
    runner = web.AppRunner(web.Application(client_max_size=2**30))
    runner.app.router.add_post("/{path:.*}", collector.handle)
    await runner.setup()

    async def listen() -> None:
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()

    yield listen
    await runner.cleanup()


async def test_an_hour_away_and_two_restarts_lose_nothing(watch, come, collector, target):
    """At 20 spans and 5 log records a second; a watcher is ended in order, and one is killed."""
    bot, taken = watch(), Taken(collector)
    pipeline = await bot.start(target)
    for second in range(3600):
        await bot.second()
        if second % 100 == 99:
            await asyncio.sleep(0.005)
            assert pipeline.state.waiting_bytes - pipeline.state.spooled_bytes < 2_500_000, (
                "memory holds little of it"
            )
        if second == 1200:
            await pipeline.stop(0)
            pipeline = await bot.start(target)
        if second == 2400:
            assert await pipeline.flush(5), "the disk has all of it"
            bot.made["metrics"] += 1
            await bot.kill()
            pipeline = await bot.start(target)
    assert pipeline.state.failing_since is not None
    assert pipeline.state.spooled_bytes > 500_000
    await come()
    await all_sent(pipeline)
    assert taken.spans == list(range(72_000))
    assert taken.logs == list(range(18_000))
    assert taken.metrics == sorted(taken.metrics)
    assert set(range(15, 3601, 15)) <= set(taken.metrics), "each point of the hour"
    assert bot.dropped() == {}
    assert (pipeline.state.failing_since, pipeline.state.spool_problem) == (None, None)


async def test_over_the_cap_what_does_not_arrive_is_counted(watch, come, collector, target):
    bot, taken = watch(spool_bytes=65_536), Taken(collector)
    pipeline = await bot.start(target)
    for _ in range(200):
        await bot.second(100)
    assert await pipeline.flush(5)
    assert pipeline.state.spooled_bytes <= 65_536
    await come()
    await all_sent(pipeline)
    dropped = bot.dropped()
    for found, made, signal in ((taken.spans, 20_000, "spans"), (taken.logs, 5_000, "logs")):
        assert found == sorted(set(found))
        assert found[-1] == made - 1, "the newest are there"
        assert 0 < dropped[signal, "spool_full"] == made - len(found)


async def test_a_kill_while_it_is_sent_later_sends_at_most_one_request_twice(watch, come, collector, target):
    bot, taken = watch(), Taken(collector)
    pipeline = await bot.start(target)
    for _ in range(100):
        await bot.second(100)
    assert await pipeline.flush(5)
    await come()
    await collector.until(lambda: len(collector.taken) > 30)
    await bot.kill()
    pipeline = await bot.start(target)
    await all_sent(pipeline)
    assert sorted(set(taken.spans)) == list(range(10_000))
    assert sorted(set(taken.logs)) == list(range(2_500))
    assert len(taken.spans) <= 10_100, "one request"
    assert len(taken.logs) <= 2_500 + 2_048


async def test_one_that_is_refused_does_not_block_those_behind_it(watch, come, collector, target, answers):
    bot, taken = watch(), Taken(collector)
    pipeline = await bot.start(target)
    for _ in range(10):
        await bot.second(100)
    collector.script = [answers.ok, answers.status(400)]
    await come()
    await all_sent(pipeline)
    ((signal, reason),) = dropped = bot.dropped()
    assert reason == "http_400"
    assert len(taken.spans) == 1000 - dropped["spans", reason]
    assert len(taken.logs) == 250 - dropped["logs", reason]
    assert signal in pipeline.state.refused
    assert "answered 400" in pipeline.state.refused


async def test_without_a_disk_it_waits_in_memory_and_is_in_order(watch, come, collector, target, tmp_path):
    (tmp_path / "spool").write_text("in the way")
    bot, taken = watch(), Taken(collector)
    pipeline = await bot.start(target)
    assert "can't be written" in pipeline.state.spool_problem
    for _ in range(50):
        await bot.second(100)
    assert pipeline.state.waiting_bytes > 300_000
    assert pipeline.state.spooled_bytes == 0
    await come()
    assert await pipeline.flush(30)
    assert taken.spans == list(range(5000))
    assert bot.dropped() == {}


async def test_a_disk_that_is_full_for_a_while_breaks_no_order(
    watch, come, collector, target, monkeypatch, tmp_path
):
    bot, taken = watch(), Taken(collector)
    pipeline = await bot.start(target)
    clock = [0.0]
    pipeline._spool._now = lambda: clock[0]
    for _ in range(10):
        await bot.second(100)
        await asyncio.sleep(0.005)
    assert pipeline.state.spooled_bytes > 0
    with monkeypatch.context() as patched:
        patched.setattr("whisperwatch.watcher.pipeline.segment.os.write", lambda *_: 0)
        for _ in range(10):
            await bot.second(100)
        assert pipeline.state.waiting_bytes > pipeline.state.spooled_bytes
        assert "No space left" in pipeline.state.spool_problem
    clock[0] = 10.0
    for _ in range(10):
        await bot.second(100)
    assert pipeline.state.spool_problem is None
    assert await pipeline.flush(5)
    await come()
    await all_sent(pipeline)
    assert taken.spans == list(range(3000))
    assert bot.dropped() == {}


async def test_what_spilled_over_while_all_was_well_is_sent_at_once(watch, come, collector, target):
    bot, taken = watch(), Taken(collector)
    await come()
    pipeline = await bot.start(target, pace=1)
    await bot.second(20_000)
    assert pipeline.state.spooled_bytes > 0
    assert await pipeline.flush(20)
    assert pipeline.state.waiting_bytes == 0
    assert taken.spans == list(range(20_000))


async def test_where_it_is_not_wanted_nothing_is_written(watch, target, tmp_path):
    bot = watch(spool=False)
    pipeline = await bot.start(target)
    await bot.second(100)
    assert not await pipeline.flush(0.05)
    await pipeline.stop(0)
    assert bot.dropped()["spans", "shutdown"] == 100
    assert not (tmp_path / "spool").exists()


async def test_what_is_on_the_disk_is_safe_for_the_bot(watch, target):
    bot = watch()
    pipeline = await bot.start(target)
    await bot.second(100)
    assert pipeline.passed(bot.stream) == (0, 0)
    assert await pipeline.flush(5)
    assert pipeline.passed(bot.stream) == (100, 25)


async def test_the_figures_tell_how_much_is_on_the_disk(watch, target):
    bot = watch()
    pipeline = await bot.start(target)
    await bot.second(100)
    assert await pipeline.flush(5)
    sizes = {
        instrument.name: {cell.attributes["signal"]: cell.value[0] for cell in instrument.cells}
        for instrument in bot.owns[-1].instruments
        if instrument.name.endswith(".size")
    }
    assert sizes["whisperwatch.buffer.size"] == {"spans": 0, "metrics": 0, "logs": 0}
    assert sum(sizes["whisperwatch.spool.size"].values()) == pipeline.state.spooled_bytes > 0


class TestWrongWays:
    """What an operator has to mend: it is named, with what to do, and nothing is lost meanwhile."""

    @pytest.mark.parametrize(
        ("status", "said", "remedy"),
        [
            (401, b"no org id", "X-Scope-OrgID"),
            (401, b"", "OTEL_EXPORTER_OTLP_HEADERS=authorization"),
            (403, b"", "OTEL_EXPORTER_OTLP_HEADERS=authorization"),
            (404, b"404 page not found", "Is OTEL_EXPORTER_OTLP_ENDPOINT right"),
            (429, b"ingestion rate limit exceeded for tenant 7", "A limit of the store is reached"),
            (400, b"Client sent an HTTP request to an HTTPS server.", "begin with https://"),
        ],
    )
    async def test_it_waits_and_says_what_to_do(
        self, watch, come, collector, target, status, said, remedy
    ) -> None:
        async def refuse(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=said, content_type="text/plain")

        bot, taken = watch(), Taken(collector)
        collector.script = [refuse] * 12
        await come()
        pipeline = await bot.start(target)
        for _ in range(15):
            await bot.second()
        await collector.until(lambda: len(collector.requests) > 3)
        check = checks.export(pipeline.state)
        assert check.status == "degraded"
        assert f"answered {status}" in check.text
        assert remedy in check.text
        await all_sent(pipeline)
        assert (taken.spans, taken.logs) == (list(range(300)), list(range(75)))
        assert bot.dropped() == {}
        assert checks.export(pipeline.state).status == "healthy"

    async def test_a_quota_is_waited_for(self, watch, come, collector, target, answers) -> None:
        bot, loop = watch(), asyncio.get_running_loop()
        collector.script = [answers.status(429, Retry_After="1")] * 3
        await come()
        pipeline = await bot.start(target)
        await bot.second(100)
        await collector.until(lambda: len(collector.requests) > 0)
        began = loop.time()
        await all_sent(pipeline)
        assert loop.time() - began > 0.7
        assert bot.dropped() == {}

    async def test_what_comes_too_late_is_named_for_a_while(self, watch, come, collector, target) -> None:
        async def partial(_: web.Request) -> web.StreamResponse:
            told = ExportMetricsServiceResponse()
            told.partial_success.rejected_data_points = 1
            told.partial_success.error_message = "out of order sample"
            return web.Response(body=told.SerializeToString(), content_type="application/x-protobuf")

        bot = watch()
        await come()
        pipeline = await bot.start(target)
        collector.script = [partial]
        for _ in range(15):
            await bot.second(1)
        await collector.until(lambda: not collector.script)
        await pipeline.flush(5)
        check = checks.export(pipeline.state)
        assert check.status == "degraded"
        assert "refuses some of the telemetry: 1 metrics were rejected: out of order sample" in check.text
        assert "out_of_order_time_window" in check.text
        assert bot.dropped() == {("metrics", "rejected"): 1}
        with time_machine.travel(time.time() + 301):
            assert checks.export(pipeline.state).status == "healthy"


class TestPace:
    def test_the_backlog_goes_at_its_rate(self):
        pace = Pace(1000)
        assert [pace.sent(500), pace.sent(2000)] == [0.5, 2.0]

    def test_what_came_meanwhile_goes_with_it(self):
        pace = Pace(1000)
        pace.came(300)
        assert [pace.sent(500), pace.sent(500)] == [0.2, 0.5]
        pace.came(10_000_000)  # an outage's worth is no credit for all of it
        assert [pace.sent(500), pace.sent(500)] == [0.0, 0.5]

    async def test_it_is_kept(self, watch, come, collector, target):
        bot = watch()
        pipeline = await bot.start(target, pace=100_000)
        for _ in range(20):
            await bot.second(100)
        assert await pipeline.flush(5)
        await come()
        loop = asyncio.get_running_loop()
        await collector.until(lambda: len(collector.taken) > 3)
        began = loop.time()
        await all_sent(pipeline)
        sent = sum(len(request.body) for request in collector.taken if request.path == "/v1/traces")
        assert loop.time() - began > sent / 100_000 / 2

    def test_by_default_a_delivery_has_one(self):
        assert isinstance(Delivery("spans", None, None, None)._pace, Pace)  # type: ignore[arg-type]
