"""The HTTP clients against a real server on loopback: what holds for one holds for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
from aiohttp import web
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import aiohttp as of_aiohttp
from whisperwatch.bot.instrument.libraries import http, httpx_clients
from whisperwatch.bot.instrument.libraries import requests as of_requests
from whisperwatch.bot.instrument.libraries.registry import registry
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracing import tracing

Get = Callable[[str], Awaitable[int]]


async def by_aiohttp(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.read()
        return response.status


async def by_httpx(url: str) -> int:
    async with httpx.AsyncClient(follow_redirects=True) as client:
        return (await client.get(url)).status_code


async def by_httpx_plain(url: str) -> int:
    with httpx.Client(follow_redirects=True) as client:
        return (await asyncio.to_thread(client.get, url)).status_code


async def by_httpx2(url: str) -> int:
    async with httpx2.AsyncClient(follow_redirects=True) as client:
        return (await client.get(url)).status_code


async def by_requests(url: str) -> int:
    with requests.Session() as session:
        return (await asyncio.to_thread(session.get, url)).status_code


CLIENTS = [by_aiohttp, by_httpx, by_httpx_plain, by_httpx2, by_requests]
every_client = pytest.mark.parametrize("get", CLIENTS, ids=lambda get: get.__name__.removeprefix("by_"))


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A server that answers with the status in the path, hangs, breaks off, or leads on."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async def break_off(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def lead(request: web.Request) -> web.Response:
        raise web.HTTPFound("/answer/200")

    app = web.Application()
    app.router.add_get("/answer/{status}", answer)
    app.router.add_get("/answer/{status}/{key}", answer)
    app.router.add_get("/hang", hang)
    app.router.add_get("/break", break_off)
    app.router.add_get("/lead", lead)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def durations(records: Any, site: str) -> dict[tuple[Any, ...], int]:
    port = int(site.rpartition(":")[2])
    found = records.cells(semconv.HTTP_CLIENT_DURATION)
    return {
        (method, *rest): n
        for (method, host, at, *rest), n in found.items()
        if (host, at) == ("127.0.0.1", port)
    }


@every_client
async def test_a_request_is_one_whole_span_without_secrets(get: Get, site: str, records: Any) -> None:
    url = (
        site.replace("127", "ada:hunter2@127") + "/answer/200/sk-live-0123456789abcdef?token=hunter2#hunter2"
    )
    assert await get(url) == 200
    (span,) = records.spans()
    assert {key: span.pop(key) for key in ("id", "trace", "parent")}["parent"] == 0
    port = int(site.rpartition(":")[2])
    assert span == {
        "name": "GET", "kind": 2, "failed": False, "events": [], "http.request.method": "GET",
        "server.address": "127.0.0.1", "server.port": port, "url.full": f"{site}/answer/200/?",
        "http.response.status_code": 200,
    }  # fmt: skip
    assert durations(records, site) == {("GET", 200, None): 1}


@every_client
async def test_what_repeats_the_current_message_is_masked_in_the_path(
    get: Get, site: str, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "mask", lambda text: text.replace("ada-of-old", "[masked]"))
    assert await get(f"{site}/answer/200/ada-of-old") == 200
    (span,) = records.spans()
    assert span["url.full"] == f"{site}/answer/200/[masked]"


@every_client
async def test_an_error_is_marked(get: Get, site: str, records: Any) -> None:
    assert await get(f"{site}/answer/404") == 404
    assert await get(f"{site}/answer/503") == 503
    spans = records.spans()
    assert [(span["failed"], span["error.type"], span["http.response.status_code"]) for span in spans] == [
        (True, "404", 404),
        (True, "503", 503),
    ]
    assert durations(records, site) == {("GET", 404, "404"): 1, ("GET", 503, "503"): 1}


@every_client
async def test_a_connection_that_breaks_is_marked_and_raised_unchanged(
    get: Get, site: str, records: Any
) -> None:
    with pytest.raises(Exception, match=r"(?i)disconnect|aborted") as raised:
        await get(f"{site}/break")
    span = records.spans()[-1]
    assert span["failed"]
    assert span["error.type"].endswith(type(raised.value).__name__)
    assert "http.response.status_code" not in span


@pytest.mark.parametrize("get", [by_aiohttp, by_httpx, by_httpx2])
async def test_a_cancelled_request_ends_its_span(get: Get, site: str, records: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await get(f"{site}/hang")
    (span,) = records.spans()
    assert (span["failed"], span["error.type"]) == (True, "asyncio.exceptions.CancelledError")


@every_client
async def test_redirects(get: Get, site: str, records: Any) -> None:
    assert await get(f"{site}/lead") == 200
    seen = [span["http.response.status_code"] for span in records.spans()]
    assert seen == ([200] if get is by_aiohttp else [302, 200])


@every_client
async def test_what_another_span_tells_of_has_none(get: Get, site: str, records: Any) -> None:
    assert tracing.provider is not None
    tracer = tracing.provider.get_tracer("an SDK's")
    for attributes, expected in (
        ({"gen_ai.operation.name": "chat"}, ["outer"]),
        ({"db.system.name": "chroma"}, ["outer"]),
        ({"other": 1}, ["GET", "outer"]),
    ):
        with tracer.start_as_current_span("outer", attributes=attributes):
            await get(f"{site}/answer/200")
        assert records.names() == expected


@every_client
@pytest.mark.parametrize(
    "key", [_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_HTTP_INSTRUMENTATION_KEY], ids=["all", "of HTTP"]
)
async def test_what_is_suppressed_does_not_show(get: Get, key: str, site: str, records: Any) -> None:
    token = context_api.attach(context_api.set_value(key, True))
    assert await get(f"{site}/answer/200") == 200
    context_api.detach(token)
    assert records.names() == []


@every_client
async def test_a_broken_hook_breaks_nothing(
    get: Get, site: str, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(guard, "strict", False)
    for module in (of_aiohttp, of_requests, httpx_clients):
        monkeypatch.setattr(module, "begun", broken)
    assert await get(f"{site}/answer/200") == 200
    assert sum(guard.counts.values()) == 1
    assert records.names() == []


@every_client
async def test_a_url_that_is_none_is_the_bots_own_mistake(get: Get, records: Any) -> None:
    with pytest.raises(Exception, match=r"(?i)url|scheme|protocol|nowhere|unsupported"):
        await get("nowhere")
    assert records.names() == []
    assert guard.counts == {}


@every_client
async def test_undone_everything_is_the_very_original(get: Get, site: str, records: Any) -> None:
    places = [
        (aiohttp.ClientSession, "_request"), (requests.adapters.HTTPAdapter, "send"),
        (httpx.AsyncClient, "_send_single_request"), (httpx.Client, "_send_single_request"),
        (httpx2.AsyncClient, "_send_single_request"),
    ]  # fmt: skip
    registry.undo()
    originals = [vars(owner)[name] for owner, name in places]
    await get(f"{site}/answer/200")
    assert records.names() == []
    registry.apply()
    registry.apply()
    await get(f"{site}/answer/200")
    assert records.names() == ["GET"]
    registry.undo()
    assert [vars(owner)[name] for owner, name in places] == originals


async def test_methods_and_servers_are_bounded(
    site: str, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_targets", {})
    monkeypatch.setattr(http, "_MOST_TARGETS", 2)
    async with aiohttp.ClientSession() as session:
        for method in ("GET", "brew", "HEAD"):
            async with session.request(method, f"{site}/answer/200"):
                pass
    spans = records.spans()
    assert [(span["name"], span["http.request.method"]) for span in spans] == [
        ("GET", "GET"),
        ("HTTP", "_OTHER"),
        ("HEAD", "HEAD"),
    ]
    assert [span["server.address"] for span in spans] == ["127.0.0.1", "127.0.0.1", "other"]
    assert [system for system, _ in records.endpoints()] == ["http"]


async def test_aiohttp_may_raise_for_the_status_itself(site: str, records: Any) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        with pytest.raises(aiohttp.ClientResponseError):
            await session.get(f"{site}/answer/503")
    (span,) = records.spans()
    name = "aiohttp.client_exceptions.ClientResponseError"
    assert (span["failed"], span["error.type"], span["http.response.status_code"]) == (True, name, 503)
    assert durations(records, site) == {("GET", 503, name): 1}


async def test_spans_nest_under_what_is_current_also_in_a_thread(site: str, records: Any) -> None:
    assert tracing.provider is not None
    with tracing.provider.get_tracer("the bot's").start_as_current_span("outer"):
        current = trace.get_current_span().get_span_context()
        await by_requests(f"{site}/answer/200")
    inner, _ = records.spans()
    assert (inner["parent"], inner["trace"]) == (current.span_id, current.trace_id)
