"""The pipeline against a real collector that is absent, slow, full or wrong."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import time_machine
from aiohttp import web

from whisperwatch import semconv
from whisperwatch.watcher.pipeline import Pipeline
from whisperwatch.watcher.pipeline.delivery import Backoff
from whisperwatch.watcher.pipeline.kept import Kept
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import LocalStream, Stream
from whisperwatch.watcher.settings import load
from whisperwatch.watcher.settings.logs import Logs

OFFSET = 1_700_000_000_000_000_000


COUNTER = ("instrument", 1, 1, "calls", "counter", "", "", None)


def a_stream() -> Stream:
    stream = Stream({"service.name": "bot"})
    stream.take(("batch", 1, OFFSET, [("scope", 1, "whisperwatch", None, None, None)], [], [], {}))
    return stream


def spans(count: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [
        (n + 1, n + 1, 0, 1, None, f"n{n}", 0, n, n + 1, 0, {"k": "v" * 20}, 0, None, None, None, 1, None)
        for n in range(first, first + count)
    ]


def figures(own: LocalStream) -> dict[str, dict[tuple[str, ...], int]]:
    """The pipeline's own metrics that are not 0."""
    return {
        i.name: {tuple(c.attributes.values()): c.value[0] for c in i.cells if c.value and c.value[0]}
        for i in own.instruments
    }


@pytest.fixture
async def pipelines(export) -> AsyncIterator[Callable[..., Any]]:
    """Makes started pipelines with fast retries; gives the pipeline and the stream of its own figures."""
    made = []

    async def make(traces: Any = None, metrics: Any = None, streams: Any = (), **changed: Any) -> Any:
        own = LocalStream({"service.name": "bot"})
        pipeline = Pipeline(
            export(traces, metrics, **changed),
            bytes(32),
            lambda: [*streams, own],
            own,
            lambda: Backoff(0.002, 0.02),
        )
        await pipeline.start()
        made.append(pipeline)
        return pipeline, own

    yield make
    for pipeline in made:
        await pipeline.stop(0)


@pytest.fixture
async def late_collector(collector) -> AsyncIterator[Callable[[int], Any]]:
    """Lets `collector` listen at a port where nobody was until now."""
    runner = web.AppRunner(web.Application(client_max_size=2**30))
    runner.app.router.add_post("/{path:.*}", collector.handle)
    await runner.setup()

    async def come(port: int) -> None:
        await web.TCPSite(runner, "127.0.0.1", port).start()

    yield come
    await runner.cleanup()


def names(collector: Any) -> list[str]:
    return [s.name for request in collector.taken if request.path != "/v1/metrics" for s in request.spans]


def logs(count: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [
        (1, 9, "INFO", "bot", f"n{n}", None, 0, 0, 0, None, None, None) for n in range(first, first + count)
    ]


class TestLogs:
    async def test_they_go_their_own_way(self, pipelines, collector, target):
        pipeline, own = await pipelines(
            target(collector.url + "/v1/traces"), logs=target(collector.url + "/v1/logs")
        )
        stream = a_stream()
        pipeline.add_spans(stream, spans(2), OFFSET)
        pipeline.add_logs(stream, logs(3), OFFSET)
        assert await pipeline.flush(5)
        (request,) = [request for request in collector.taken if request.path == "/v1/logs"]
        assert [log.body.string_value for log in request.logs] == ["n0", "n1", "n2"]
        assert pipeline.passed(stream) == (2, 3)
        assert figures(own)["whisperwatch.exported"] == {("spans",): 2, ("logs",): 3}

    async def test_by_count_and_by_time(self, pipelines, collector, target):
        pipeline, _ = await pipelines(logs=target(collector.url), log_batch=10, log_delay_s=0.01)
        pipeline.add_logs(a_stream(), logs(15), OFFSET)
        await collector.until(lambda: len(collector.taken) == 2)
        assert [len(request.logs) for request in collector.taken] == [10, 5]

    async def test_where_none_are_exported_they_are_safe_at_once(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url))
        stream = a_stream()
        pipeline.add_logs(stream, logs(3), OFFSET)
        assert pipeline.passed(stream) == (0, 3)

    async def test_what_the_host_exports_goes_to_the_file_alone(self, export, collector, target, tmp_path):
        own, stream = LocalStream({}), a_stream()
        there = Logs(file=str(tmp_path / "bot.ndjson"))
        pipeline = Pipeline(export(logs=target(collector.url)), bytes(32), lambda: [own], own, logs=there)
        await pipeline.start()
        stream.hosted = frozenset({"logs"})
        pipeline.add_logs(stream, logs(2), OFFSET)
        assert await pipeline.flush(5)
        await pipeline.stop()
        assert collector.taken == []
        assert (tmp_path / "bot.ndjson").read_text().count('"message": "n') == 2
        assert pipeline.passed(stream) == (0, 2)

    async def test_what_cannot_be_encoded_is_counted(self, pipelines, collector, target):
        pipeline, own = await pipelines(logs=target(collector.url))
        stream = a_stream()
        pipeline.add_logs(stream, [(-(10**30), *logs(1)[0][1:]), *logs(1)], OFFSET)
        assert await pipeline.flush(5)
        assert figures(own)["whisperwatch.export.dropped"] == {("logs", "unencodable"): 1}
        assert pipeline.passed(stream) == (0, 2)


async def test_nothing_is_kept_of_a_process_that_has_ended(export, collector, target, tmp_path):
    streams = [a_stream()]
    own, redaction = LocalStream({}), Redaction(bytes(32))
    there = {name: target(f"{collector.url}/v1/{name}") for name in ("traces", "metrics", "logs")}
    settings = load({}, tmp_path)
    kept = Kept(tmp_path / "store.db", lambda: settings, lambda: streams, own, redaction)
    pipeline = Pipeline(export(**there), bytes(32), lambda: [*streams, own], own, kept=kept)
    await pipeline.start()
    (stream,) = streams
    stream.take(("batch", 2, OFFSET, [COUNTER, ("cell", 1, 1, {}, OFFSET)], [], [(1, 5)], {}))
    pipeline.add_spans(stream, spans(2), OFFSET)
    pipeline.add_logs(stream, logs(2), OFFSET)
    assert await pipeline.flush(5)
    assert {request.path for request in collector.taken} == {"/v1/traces", "/v1/metrics", "/v1/logs"}
    pipeline.end(stream)
    gone = weakref.ref(streams.pop())
    del stream
    await kept.commit()
    gc.collect()
    assert gone() is None
    await pipeline.stop()
    await kept.store.stop()


class TestBatches:
    async def test_by_count(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url), span_batch=10)
        pipeline.add_spans(a_stream(), spans(25), OFFSET)
        await collector.until(lambda: len(collector.taken) == 2)
        assert [len(request.spans) for request in collector.taken] == [10, 10]
        assert await pipeline.flush(5)
        assert names(collector) == [f"n{n}" for n in range(25)]

    async def test_by_time(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url), span_delay_s=0.01)
        pipeline.add_spans(a_stream(), spans(3), OFFSET)
        await collector.until(lambda: len(collector.taken) == 1)
        pipeline.add_spans(a_stream(), spans(3), OFFSET)
        await collector.until(lambda: len(collector.taken) == 2)

    async def test_by_bytes(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url))
        long = [(*span[:10], {"k": "x" * 30_000}, *span[11:]) for span in spans(100)]
        for span in long:
            pipeline.add_spans(a_stream(), [span], OFFSET)
        await collector.until(lambda: len(collector.taken) == 1)
        assert len(collector.taken[0].spans) == 34, "closed by the first that is over 1 MB"

    async def test_spans_of_several_streams_go_in_one_request(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url))
        one, two = a_stream(), a_stream()
        pipeline.add_spans(one, spans(2), OFFSET)
        pipeline.add_spans(two, spans(3), OFFSET)
        pipeline.add_spans(one, spans(1), OFFSET)
        assert await pipeline.flush(5)
        assert len(collector.taken) == 1
        assert len(collector.taken[0].spans) == 6
        assert (pipeline.passed(one)[0], pipeline.passed(two)[0]) == (3, 3)

    async def test_what_the_host_s_providers_export_is_not_exported_again(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url))
        theirs, ours = a_stream(), a_stream()
        theirs.hosted = frozenset({"spans", "metrics"})
        pipeline.add_spans(theirs, spans(2), OFFSET)
        pipeline.add_spans(ours, spans(3), OFFSET)
        assert await pipeline.flush(5)
        assert [len(taken.spans) for taken in collector.taken] == [3]
        assert (pipeline.passed(theirs)[0], pipeline.passed(ours)[0]) == (2, 3)

    async def test_one_span_may_be_larger_than_a_batch(self, pipelines, collector, target):
        pipeline, _ = await pipelines(target(collector.url))
        (span,) = spans(1)
        pipeline.add_spans(a_stream(), [(*span[:10], {"k": "x" * 3_000_000}, *span[11:])], OFFSET)
        await collector.until(lambda: len(collector.taken) == 1)
        assert len(collector.taken[0].spans[0].attributes[0].value.string_value) == 3_000_000


class TestNoWayOut:
    async def test_without_a_target_spans_are_passed_at_once_and_no_task_runs(self, pipelines):
        pipeline, own = await pipelines()
        stream = a_stream()
        pipeline.add_spans(stream, spans(5), OFFSET)
        assert pipeline.passed(stream)[0] == 5
        assert (pipeline.state.endpoint, pipeline._tasks, figures(own)) == (None, [], {})

    async def test_an_unreadable_certificate_is_said_and_the_other_signal_goes(
        self, pipelines, collector, target, caplog
    ):
        broken = target("https://localhost", certificate="/nowhere/ca.pem")
        pipeline, own = await pipelines(broken, target(collector.url))
        stream = a_stream()
        pipeline.add_spans(stream, spans(5), OFFSET)
        assert pipeline.passed(stream)[0] == 5
        assert "spans are not exported" in caplog.text
        own.add(semconv.SELF_RECEIVED, 1, {"signal": "spans"})
        assert await pipeline.flush(5)
        assert "whisperwatch.received" in collector.taken[0].metrics


class TestFailures:
    async def test_everything_arrives_once_and_in_order_after_failures(
        self, pipelines, collector, target, answers, caplog
    ):
        caplog.set_level(logging.INFO, "whisperwatch")
        collector.script = [answers.status(code) for code in (503, 500, 408, 429, 502)]
        pipeline, own = await pipelines(target(collector.url), span_batch=10)
        stream = a_stream()
        pipeline.add_spans(stream, spans(30), OFFSET)
        await collector.until(lambda: len(collector.requests) == 2)
        assert pipeline.state.failing_since is not None
        assert pipeline.state.reached_since is None
        assert "answered 503" in pipeline.state.error
        assert pipeline.passed(stream)[0] == 0
        await collector.until(lambda: len(collector.taken) == 3)
        assert await pipeline.flush(5)
        assert names(collector) == [f"n{n}" for n in range(30)]
        assert pipeline.passed(stream)[0] == 30
        assert figures(own)["whisperwatch.exported"] == {("spans",): 30}
        assert figures(own)["whisperwatch.export.dropped"] == figures(own)["whisperwatch.buffer.size"] == {}
        assert (pipeline.state.failing_since, pipeline.state.error, pipeline.state.waiting_bytes) == (
            None,
            None,
            0,
        )
        assert pipeline.state.reached_since is not None
        assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"], "said once each"

    async def test_what_is_refused_is_dropped_counted_and_named_once(
        self, pipelines, collector, target, answers, caplog
    ):
        collector.script = [answers.status(400), answers.status(400)]
        pipeline, own = await pipelines(target(collector.url), span_batch=10)
        stream = a_stream()
        pipeline.add_spans(stream, spans(30), OFFSET)
        assert await pipeline.flush(5)
        assert names(collector) == [f"n{n}" for n in range(20, 30)]
        assert pipeline.passed(stream)[0] == 30
        assert figures(own)["whisperwatch.export.dropped"] == {("spans", "http_400"): 20}
        assert pipeline.state.dropped == 20
        assert caplog.text.count("answered 400") == 1

    async def test_partial_success_is_counted_and_said(self, pipelines, collector, target, caplog):
        async def partial(_: web.Request) -> web.StreamResponse:
            return web.Response(body=b"\x0a\x07\x08\x02\x12\x03old", content_type="application/x-protobuf")

        collector.script = [partial]
        pipeline, own = await pipelines(target(collector.url))
        pipeline.add_spans(a_stream(), spans(5), OFFSET)
        assert await pipeline.flush(5)
        assert figures(own)["whisperwatch.exported"] == {("spans",): 3}
        assert figures(own)["whisperwatch.export.dropped"] == {("spans", "rejected"): 2}
        assert "2 spans were rejected: old" in caplog.text

    async def test_the_collector_is_not_asked_again_before_it_wants_to_be(
        self, pipelines, collector, target, answers
    ):
        collector.script = [answers.status(503, Retry_After="1")]
        pipeline, _ = await pipelines(target(collector.url))
        pipeline.add_spans(a_stream(), spans(5), OFFSET)
        assert not await pipeline.flush(0.1)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await collector.until(lambda: len(collector.taken) == 1)
        assert loop.time() - before > 0.7

    async def test_a_collector_that_hangs_gets_it_again(self, pipelines, collector, target):
        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        collector.script = [hang, hang]
        pipeline, _ = await pipelines(target(collector.url, timeout_s=0.05))
        pipeline.add_spans(a_stream(), spans(5), OFFSET)
        assert await pipeline.flush(5)
        assert len(collector.requests) == 3

    async def test_stop_ends_in_time_and_counts_what_is_lost(
        self, pipelines, target, unused_tcp_port, caplog
    ):
        pipeline, own = await pipelines(target(f"http://127.0.0.1:{unused_tcp_port}"))
        stream = a_stream()
        pipeline.add_spans(stream, spans(5), OFFSET)
        async with asyncio.timeout(5):
            await pipeline.stop(0.05)
        assert figures(own)["whisperwatch.export.dropped"] == {("spans", "shutdown"): 5}
        assert pipeline.passed(stream)[0] == 5
        assert "are lost, for the watcher stops" in caplog.text

    async def test_stop_ends_while_a_try_is_hurried(self, pipelines, target, unused_tcp_port):
        pipeline, _ = await pipelines(target(f"http://127.0.0.1:{unused_tcp_port}"))
        for _ in range(50):
            pipeline.add_spans(a_stream(), spans(1), OFFSET)
            while pipeline.state.failing_since is None:
                await pipeline.flush(0.001)
            async with asyncio.timeout(5):
                await pipeline.stop(0)
            await pipeline.start()

    async def test_spans_that_cannot_be_encoded_are_counted(self, pipelines, collector, target):
        pipeline, own = await pipelines(target(collector.url))
        stream = a_stream()
        broken = (2**200, *spans(1)[0][1:])
        pipeline.add_spans(stream, [broken, *spans(2)], OFFSET)
        assert await pipeline.flush(5)
        assert len(collector.taken[0].spans) == 2
        assert figures(own)["whisperwatch.export.dropped"] == {("spans", "unencodable"): 1}
        assert pipeline.passed(stream)[0] == 3


class TestOutage:
    async def test_ten_minutes_without_a_collector_lose_nothing(
        self, pipelines, target, collector, late_collector, unused_tcp_port
    ):
        """At the demo's rate: 50 spans a second, metrics every 15 s; then the collector comes."""
        there = f"http://127.0.0.1:{unused_tcp_port}"
        stream = a_stream()
        definitions = [("instrument", 1, 1, "c", "counter", "1", "", None), ("cell", 1, 1, {}, 0)]
        pipeline, own = await pipelines(target(f"{there}/v1/traces"), target(f"{there}/v1/metrics"), [stream])
        for second in range(600):
            pipeline.add_spans(stream, spans(50, second * 50), OFFSET)
            stream.take(("batch", 2 + second, OFFSET, [] if second else definitions, [], [(1, second)], {}))
            if second % 15 == 0:
                pipeline.export_metrics()
            await asyncio.sleep(0)
        assert pipeline.state.failing_since is not None
        assert 1_000_000 < pipeline.state.waiting_bytes < 32_000_000
        await late_collector(unused_tcp_port)
        assert await pipeline.flush(30)
        assert names(collector) == [f"n{n}" for n in range(30_000)]
        of_metrics = [request.metrics for request in collector.taken if request.path == "/v1/metrics"]
        history = [made["c"].sum.data_points[0].as_int for made in of_metrics]
        assert history == [*range(0, 600, 15), 599], "each point of the time without a collector, in order"
        assert figures(own)["whisperwatch.export.dropped"] == {}

    async def test_over_the_bound_the_oldest_goes_and_is_counted_by_signal(
        self, pipelines, target, unused_tcp_port
    ):
        there = target(f"http://127.0.0.1:{unused_tcp_port}")
        pipeline, own = await pipelines(there, there, span_batch=100, buffer_bytes=65_536)
        stream = a_stream()
        pipeline.export_metrics()
        pipeline.add_spans(stream, spans(2000), OFFSET)
        assert 40_000 < pipeline.state.waiting_bytes <= 65_536
        dropped = figures(own)["whisperwatch.export.dropped"]
        assert dropped["metrics", "buffer_full"] > 0, "it was the oldest"
        assert dropped["spans", "buffer_full"] % 100 == 0
        assert pipeline.passed(stream)[0] == dropped["spans", "buffer_full"]

    async def test_OTEL_BSP_MAX_QUEUE_SIZE_bounds_the_spans_where_it_is_set(
        self, pipelines, target, unused_tcp_port
    ):
        pipeline, own = await pipelines(
            target(f"http://127.0.0.1:{unused_tcp_port}"), span_batch=10, span_queue=50
        )
        pipeline.add_spans(a_stream(), spans(100), OFFSET)
        assert figures(own)["whisperwatch.export.dropped"] == {("spans", "buffer_full"): 50}


class TestMetrics:
    async def test_are_exported_at_the_interval(self, pipelines, collector, target):
        _, own = await pipelines(None, target(collector.url), metric_interval_s=0.02)
        own.add(semconv.SELF_RECEIVED, 1, {"signal": "spans"})
        await collector.until(lambda: len(collector.taken) >= 3)
        assert collector.taken[-1].metrics["whisperwatch.received"].sum.data_points[0].as_int == 1

    async def test_a_new_interval_counts_at_once(self, pipelines, collector, target, export):
        pipeline, own = await pipelines(None, target(collector.url), metric_interval_s=3600)
        own.add(semconv.SELF_RECEIVED, 1, {"signal": "spans"})
        pipeline.pace(export(None, None, metric_interval_s=0.02))
        await collector.until(lambda: len(collector.taken) >= 3)
        pipeline.pace(export(None, None, metric_interval_s=3600))
        await asyncio.sleep(0)
        await pipeline.flush(5)
        assert pipeline.state.waiting_bytes == 0

    async def test_an_ended_stream_can_be_exported_at_once(self, pipelines, collector, target):
        pipeline, _ = await pipelines(None, target(collector.url))
        last = LocalStream({"service.name": "gone"})
        last.set(semconv.UPTIME, 5.0)
        pipeline.export_metrics([last])
        await collector.until(lambda: len(collector.taken) == 1)
        assert collector.taken[0].metrics["process.uptime"].gauge.data_points[0].as_double == 5.0

    async def test_in_delta_nothing_is_lost_when_an_export_fails(self, pipelines, collector, target, answers):
        collector.script = [answers.status(503)] * 3
        pipeline, own = await pipelines(None, target(collector.url), temporality="delta")
        for _ in range(4):
            own.add(semconv.SELF_RECEIVED, 1, {"signal": "spans"})
            pipeline.export_metrics()
            await asyncio.sleep(0)
        assert await pipeline.flush(5)
        deltas = [
            r.metrics["whisperwatch.received"]
            for r in collector.taken
            if "whisperwatch.received" in r.metrics
        ]
        assert sum(m.sum.data_points[0].as_int for m in deltas) == 4

    async def test_ids_on_metrics_are_left_out_and_counted(self, pipelines, collector, target, caplog):
        stream = a_stream()
        definitions = [
            ("instrument", 1, 1, "c", "counter", "1", "", None),
            ("cell", 1, 1, {semconv.USER_ID: 5}, 0),
            ("cell", 2, 1, {"k": 5}, 0),
        ]
        stream.take(("batch", 2, OFFSET, definitions, [], [(1, 1), (2, 2)], {}))
        pipeline, own = await pipelines(None, target(collector.url), [stream])
        for _ in range(2):
            assert await pipeline.flush(5)
        born, point = collector.taken[0].metrics["c"].sum.data_points
        assert (born.as_int, point.as_int) == (0, 2)
        assert figures(own)["whisperwatch.export.dropped"] == {("metrics", "id_attribute"): 1}
        assert "c has an id as an attribute" in caplog.text

    async def test_a_stream_that_comes_later_was_0_at_the_last_export(self, pipelines, collector, target):
        definitions = [("instrument", 1, 1, "c", "counter", "1", "", None), ("cell", 1, 1, {}, 0)]
        streams = [LocalStream({})]
        pipeline, _ = await pipelines(None, target(collector.url), streams)
        late = a_stream()
        late.take(("batch", 2, OFFSET, definitions, [], [(1, 3)], {}))
        with time_machine.travel(1_800_000_000, tick=False) as clock:
            assert await pipeline.flush(5)
            streams.append(late)
            clock.shift(60)
            assert await pipeline.flush(5)
        born, point = collector.taken[-1].metrics["c"].sum.data_points
        assert (born.as_int, point.as_int) == (0, 3)
        assert (born.time_unix_nano, point.time_unix_nano) == (
            1_800_000_000_001_000_000,
            1_800_000_060 * 10**9,
        )


class TestBackoff:
    def test_doubles_up_to_a_bound_with_jitter(self):
        shortest, longest = Backoff(1, 30, lambda: 0.0), Backoff(1, 30, lambda: 1.0)
        assert [shortest.failure(None) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
        assert [longest.failure(None) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]

    def test_is_never_shorter_than_the_collector_asked(self):
        backoff = Backoff(1, 30, lambda: 1.0)
        assert [backoff.failure(100), backoff.failure(0.1), backoff.failure(None)] == [100, 2, 4]

    def test_begins_anew_after_a_success(self):
        backoff = Backoff(1, 30, lambda: 1.0)
        backoff.failure(None)
        backoff.success()
        assert backoff.failure(None) == 1
