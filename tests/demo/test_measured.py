from __future__ import annotations

import aiohttp.test_utils
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from whisperwatch import semconv
from whisperwatch.demo.measured import Measured, estimate, scrape

TEXT = """\
# HELP discord_gateway_events_total Events.
# TYPE discord_gateway_events_total counter
discord_gateway_events_total{bot_name="wren",discord_shard_id="0",discord_event_name="MESSAGE_CREATE"} 7
discord_gateway_events_total{bot_name="wren",discord_shard_id="1",discord_event_name="MESSAGE_CREATE"} 5
discord_gateway_events_total{bot_name="wren",discord_shard_id="0",discord_event_name="READY"} 1
discord_gateway_events_total{bot_name="wren",discord_shard_id="1",discord_event_name="RESUMED"} 0
# HELP discord_guilds Guilds.
# TYPE discord_guilds gauge
discord_guilds{bot_name="wren"} 3
"""


def test_it_sums_by_attributes_and_leaves_zeros_out() -> None:
    measured = Measured(TEXT)
    assert measured.by(semconv.GATEWAY_EVENTS, semconv.EVENT) == {("MESSAGE_CREATE",): 12, ("READY",): 1}
    assert measured.by(semconv.GATEWAY_EVENTS, semconv.EVENT, where={semconv.SHARD: "1"}) == {
        ("MESSAGE_CREATE",): 5
    }
    assert measured.total(semconv.GATEWAY_EVENTS) == 13
    assert measured.total(semconv.GUILDS) == 3
    assert measured.total(semconv.HTTP_RETRIES) == 0


def test_histograms_count_and_have_quantiles() -> None:
    registry = CollectorRegistry()
    histogram = Histogram(
        "discord_command_duration_seconds", "Duration.", ("discord_command_name", "outcome"),
        buckets=semconv.SECONDS, registry=registry,
    )  # fmt: skip
    for number in range(100):
        histogram.labels("ping", "ok").observe(0.001 + number / 1000)
    histogram.labels("roll", "user_error").observe(0.3)
    measured = Measured(generate_latest(registry).decode())
    assert measured.by(semconv.COMMAND_DURATION, semconv.COMMAND) == {("ping",): 100, ("roll",): 1}
    medians = measured.quantile(semconv.COMMAND_DURATION, 0.5, semconv.COMMAND)
    assert medians[("ping",)] == pytest.approx(0.05)
    assert 0.25 < medians[("roll",)] < 0.5


def test_a_quantile_above_the_last_bound_is_the_last_bound() -> None:
    assert estimate(0.99, [(0.1, 1), (0.5, 1), (float("inf"), 100)]) == 0.5
    assert estimate(0.5, [(0.1, 0), (0.2, 10), (float("inf"), 10)]) == pytest.approx(0.15)


async def test_it_reads_over_http_and_says_what_is_wrong() -> None:
    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text=TEXT)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with aiohttp.test_utils.TestServer(app) as server:
        assert (await scrape(str(server.make_url("/metrics")))).total(semconv.GUILDS) == 3
        with pytest.raises(ValueError, match="answered 404"):
            await scrape(str(server.make_url("/nothing")))
        gone = str(server.make_url("/metrics"))
    with pytest.raises(OSError, match="does not answer"):
        await scrape(gone)
