"""The components on the routes: who may read what, and in which form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from whisperwatch.semconv import HEALTH_COMPONENTS
from whisperwatch.watcher.web.health import Access
from whisperwatch.watcher.web.server import bind, public

TOKEN = "a-token-of-some-length"
BEARER = {"authorization": f"Bearer {TOKEN}"}
SENSITIVE = ["/health/detailed", "/health/component/discord"]


def broken(source: Any, critical: bool = False) -> None:
    told = {"name": "payments", "critical": critical, "status": "unhealthy", "text": "no money left"}
    source.beat["checks"] = [told]


async def test_health_names_all_components(served: Any) -> None:
    async with served.run() as client:
        told = (await client.get("/health")).json()
    assert [one["component"] for one in told["components"]] == list(HEALTH_COMPONENTS)
    assert all(set(one) == {"component", "status", "reason"} for one in told["components"])


async def test_detailed_has_the_numbers(served: Any) -> None:
    async with served.run() as client:
        answer = await client.get("/health/detailed")
    assert answer.status_code == 200
    discord = next(one for one in answer.json()["components"] if one["component"] == "discord")
    assert discord["critical"] is True
    latency = next(part for part in discord["parts"] if part["part"] == "heartbeats")
    assert latency["numbers"]["heartbeat_latency_s"] == 0.1
    assert latency["status"] == "healthy"
    assert "since" in discord


@pytest.mark.parametrize(
    ("critical", "status", "whole"), [(False, 200, "degraded"), (True, 503, "unhealthy")]
)
async def test_what_is_not_critical_only_degrades(
    served: Any, critical: bool, status: int, whole: str
) -> None:
    broken(served.sources[0], critical)
    async with served.run() as client:
        answer = await client.get("/health")
        detailed = await client.get("/health/detailed")
        one = await client.get("/health/component/payments")
    assert (answer.status_code, answer.json()["status"]) == (status, whole)
    assert detailed.status_code == status
    assert one.status_code == 503
    assert one.json()["reason"] == "No money left."


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("llm", "llm"),
        ("database", "database"),
        ("memory", "memory"),
        ("databases", "database"),
        ("background_tasks", "tasks"),
    ],
)
async def test_one_component_by_the_guides_names(served: Any, asked: str, named: str) -> None:
    async with served.run() as client:
        answer = await client.get(f"/health/component/{asked}")
    assert answer.status_code == 200
    assert answer.json()["component"] == named


async def test_of_an_unknown_one_the_names_are_listed(served: Any) -> None:
    async with served.run() as client:
        answer = await client.get("/health/component/heart")
    assert answer.status_code == 404
    assert answer.json()["components"] == list(HEALTH_COMPONENTS)


@pytest.mark.parametrize(
    ("critical", "status", "shown"), [(None, 200, "pass"), (False, 200, "warn"), (True, 503, "fail")]
)
async def test_health_json(served: Any, critical: bool | None, status: int, shown: str) -> None:
    if critical is not None:
        broken(served.sources[0], critical)
    async with served.run() as client:
        answer = await client.get("/health", headers={"accept": "application/health+json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/health+json"
    told = answer.json()
    assert told["status"] == shown
    assert {entry["status"] for entries in told["checks"].values() for entry in entries} <= {
        "pass",
        "warn",
        "fail",
    }
    assert set(HEALTH_COMPONENTS) <= set(told["checks"])
    if critical is not None:
        assert "No money left." in told["output"]


class TestOnAPublicAddress:
    @pytest.fixture(autouse=True)
    def is_public(self, served: Any) -> None:
        served.access = Access(public=True, token=TOKEN)

    async def test_strangers_get_the_status_alone(self, served: Any) -> None:
        broken(served.sources[0])
        async with served.run() as client:
            answer = await client.get("/health")
            as_health_json = await client.get("/health", headers={"accept": "application/health+json"})
        assert answer.json() == {"status": "degraded"}
        assert "money" not in as_health_json.text

    @pytest.mark.parametrize("path", SENSITIVE)
    @pytest.mark.parametrize(
        "shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"]
    )
    async def test_without_the_token_nothing_is_told(self, served: Any, path: str, shown: str) -> None:
        async with served.run() as client:
            answer = await client.get(path, headers={"authorization": shown.encode()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "components" not in answer.text
        assert TOKEN not in answer.text

    @pytest.mark.parametrize("path", SENSITIVE)
    async def test_with_it_all_is(self, served: Any, path: str) -> None:
        async with served.run() as client:
            answer = await client.get(path, headers=BEARER)
            whole = await client.get("/health", headers=BEARER)
        assert answer.status_code == 200
        assert "components" in whole.json()

    @pytest.mark.parametrize("path", SENSITIVE)
    async def test_where_no_token_is_set_nobody_may(self, served: Any, path: str) -> None:
        served.access = Access(public=True)
        async with served.run() as client:
            answer = await client.get(path, headers=BEARER)
        assert answer.status_code == 403
        assert "HEALTH_CHECK_TOKEN" in answer.json()["error"]

    async def test_live_and_ready_stay(self, served: Any) -> None:
        async with served.run() as client:
            assert (await client.get("/health/live")).json() == {"live": True, "reasons": []}
            assert (await client.get("/health/ready")).json() == {"ready": True, "reasons": []}


async def test_a_token_is_asked_for_on_loopback_too_where_one_is_set(served: Any) -> None:
    served.access = Access(token=TOKEN)
    async with served.run() as client:
        assert (await client.get("/health/detailed")).status_code == 401
        assert (await client.get("/health/detailed", headers=BEARER)).status_code == 200


@pytest.mark.parametrize(
    ("host", "is_public"), [("127.0.0.1", False), ("127.0.0.2", False), ("0.0.0.0", True)]
)
def test_which_addresses_are_public(host: str, is_public: bool) -> None:
    sockets = bind(host, 0)
    assert public(sockets) is is_public
    for one in sockets:
        one.close()


async def test_no_secret_of_an_endpoint_is_on_any_page(served: Any) -> None:
    from whisperwatch.watcher.records import Endpoint

    secret = {"host": "127.0.0.1", "port": 1, "password": "planted-secret", "user": "planted-secret"}
    served.sources[0].stream.endpoints[1] = Endpoint("postgresql", secret)
    async with served.run() as client:
        pages = [await client.get(path) for path in ("/health", "/health/component/database", *SENSITIVE)]
    assert all("planted-secret" not in json.dumps(page.json()) for page in pages)
