"""A real HTTP server that answers as a test has it, in a store's place; and what makes clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.settings.stores import StoreTarget

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Store:
    """Answers by `answer`; `requests` has what came: method, path, headers, query, form."""

    url: str = ""
    answer: Answer | None = None
    requests: list[tuple[str, str, Any, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def says(
        self, body: str = "{}", status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """Answer everything so."""

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(text=body, status=status, content_type=kind, headers=headers)

        self.answer = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.requests.append((request.method, request.path, request.headers, dict(request.query), form))
        assert self.answer is not None
        return await self.answer(request)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Store]]]:
    """Starts such servers, by TLS where a context is given."""
    runners = []

    async def start(tls: Any = None) -> Store:
        store = Store()
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", store.handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "https://localhost" if tls else "http://127.0.0.1"
        store.url = f"{scheme}:{runner.addresses[0][1]}"
        return store

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def store(serve: Any) -> Store:
    return await serve()


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., StoreClient]]:
    """Makes clients of a store at an address."""
    made = []

    def make(url: str, name: Any = "prometheus", **changed: Any) -> StoreClient:
        settings = {
            "headers": (), "ca_file": None, "client_certificate": None, "client_key": None, "timeout_s": 10.0,
        }  # fmt: skip
        made.append(StoreClient(StoreTarget(name, url, **{**settings, **changed})))
        return made[-1]

    yield make
    for one in made:
        await one.close()
