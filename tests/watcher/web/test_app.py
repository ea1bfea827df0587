from __future__ import annotations

import asyncio
import gzip
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

ROUTES = [
    "/health",
    "/health/live",
    "/health/ready",
    "/health/detailed",
    "/health/component/{name}",
    "/metrics",
]


def block(source: SimpleNamespace, seconds: float) -> None:
    """As ship tells of a loop that is blocked while its own thread still runs."""
    frames = (("/srv/bot.py", 10, "<module>"), ("/srv/bot.py", 42, "on_message"))
    source.beat["loop"] = (time.monotonic_ns() - int(seconds * 1e9), frames)


class TestHealth:
    async def test_healthy(self, served: Any) -> None:
        async with served.run() as client:
            served.sources[0].beat = type(served)().sources[0].beat  # a server's first start takes a while
            answer = await client.get("/health")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        told = answer.json()
        assert told["status"] == "healthy"
        assert [check["check"] for check in told["checks"]] == [
            "bot process",
            "event loop",
            "gateway",
            "settings",
        ]

    async def test_degraded_is_200_and_names_the_place(self, served: Any) -> None:
        block(served.sources[0], 3)
        async with served.run() as client:
            answer = await client.get("/health")
        assert answer.status_code == 200
        assert answer.json()["status"] == "degraded"
        assert "/srv/bot.py:42 on_message" in answer.text

    async def test_unhealthy_is_503(self, served: Any) -> None:
        block(served.sources[0], 12)
        async with served.run() as client:
            answer = await client.get("/health")
        assert answer.status_code == 503
        assert answer.json()["status"] == "unhealthy"

    async def test_a_killed_bot(self, served: Any) -> None:
        (source,) = served.sources
        source.connected = False
        source.ended = SimpleNamespace(
            unix=1_700_000_000.0, reason="killed by signal 9 (SIGKILL)", orderly=False
        )
        async with served.run() as client:
            answer = await client.get("/health")
            live = await client.get("/health/live")
        assert (answer.status_code, live.status_code) == (503, 503)
        (check, _) = answer.json()["checks"]
        assert check["text"] == "The bot's process has ended: killed by signal 9 (SIGKILL)."
        assert check["since"] == "2023-11-14T22:13:20.000Z"

    async def test_holds_nothing_that_names_anybody(self, served: Any) -> None:
        async with served.run() as client:
            told = (await client.get("/health")).text
        source = served.sources[0]
        for private in (source.beat["bots"][0]["name"], source.instance, str(source.pid)):
            assert private not in told

    async def test_follows_what_happens(self, served: Any) -> None:
        async with served.run() as client:
            assert (await client.get("/health")).json()["status"] == "healthy"
            block(served.sources[0], 5)
            async with asyncio.timeout(5):
                while (await client.get("/health")).json()["status"] != "degraded":
                    pass


class TestLive:
    @pytest.mark.parametrize(("blocked", "status"), [(0, 200), (59, 200), (61, 503)])
    async def test_fails_only_when_the_loop_is_stuck_for_long(
        self, served: Any, blocked: float, status: int
    ) -> None:
        block(served.sources[0], blocked)
        async with served.run() as client:
            answer = await client.get("/health/live")
        assert answer.status_code == status
        assert answer.json()["live"] == (status == 200)

    async def test_its_patience_can_be_set(self, served: Any) -> None:
        served.live_after_s = 5
        block(served.sources[0], 6)
        async with served.run() as client:
            assert (await client.get("/health/live")).status_code == 503

    async def test_a_lost_gateway_is_no_reason_to_restart(self, served: Any) -> None:
        served.sources[0].beat["bots"][0]["shards"][0]["up"] = False
        async with served.run() as client:
            assert (await client.get("/health/live")).status_code == 200

    async def test_nobody_there_yet_is_no_reason_either(self, served: Any) -> None:
        served.sources.clear()
        async with served.run() as client:
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/health/ready")).status_code == 503


class TestReady:
    async def test_ready(self, served: Any) -> None:
        async with served.run() as client:
            answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})

    async def test_not_while_a_local_shard_is_not(self, served: Any) -> None:
        served.sources[0].beat["bots"][0]["shards"][3] = {"up": False, "latency": None, "last_event": None}
        async with served.run() as client:
            answer = await client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["1 of 2 shards ready; not ready: 3."]


class TestMetrics:
    async def test_the_renderer_sees_the_accept_header(self, served: Any) -> None:
        served.metrics = lambda accept: (
            f"accepts {accept}\n".encode(),
            "application/openmetrics-text; version=1.0.0",
        )
        async with served.run() as client:
            answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
        assert answer.text == "accepts application/openmetrics-text\n"
        assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0"
        assert "accept" in answer.headers["vary"].lower().replace(" ", "").split(",")

    async def test_is_compressed_if_the_client_takes_it(self, served: Any) -> None:
        body = b"bot_event_loop_lag_seconds_count 1.0\n" * 1000
        served.metrics = lambda accept: (body, "text/plain")
        async with served.run() as client:
            async with client.stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as answer:
                raw = b"".join([part async for part in answer.aiter_raw()])
            plain = await client.get("/metrics", headers={"accept-encoding": "identity"})
        assert answer.headers["content-encoding"] == "gzip"
        assert len(raw) < len(body) / 10
        assert gzip.decompress(raw) == body
        assert plain.content == body
        assert "content-encoding" not in plain.headers

    async def test_a_renderer_that_fails_is_a_500_and_health_goes_on(
        self, served: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: str) -> tuple[bytes, str]:
            raise ZeroDivisionError("secret detail")

        served.metrics = fail
        async with served.run() as client:
            answer = await client.get("/metrics")
            health = await client.get("/health")
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        assert health.status_code == 200
        assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("route", ROUTES)
async def test_head_has_the_headers_and_no_body(served: Any, route: str) -> None:
    async with served.run() as client:
        got, asked = await client.get(route), await client.head(route)
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("route", ROUTES)
async def test_other_methods_are_refused(served: Any, route: str) -> None:
    async with served.run() as client:
        answer = await client.post(route)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/", "/healthy", "/health/component", "/metrics/x"])
async def test_elsewhere_the_routes_are_listed(served: Any, path: str) -> None:
    async with served.run() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not Found", "routes": ROUTES}
    assert answer.headers["cache-control"] == "no-store"


async def test_many_at_once(served: Any) -> None:
    async with served.run() as client:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=30) as crowd:
            answers = await asyncio.gather(*(crowd.get("/health") for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) < 50, "each request made a report of its own"
