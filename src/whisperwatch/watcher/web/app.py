"""The routes that the outside may ask: health for people and orchestrators, metrics for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whisperwatch.version import __version__
from whisperwatch.watcher.health.report import Report
from whisperwatch.watcher.health.watch import HealthWatch

RenderMetrics = Callable[[str], tuple[bytes, str]]
"""From an Accept header to the exposition and its content type."""
Clean = Callable[[Any], Any]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
_NO_STORE: Final = {"cache-control": "no-store"}


def app(
    health: HealthWatch,
    render_metrics: RenderMetrics,
    live_after_s: float = 60.0,
    lifespan: Lifespan | None = None,
    clean: Clean = lambda content: content,
) -> Starlette:
    """The ASGI application.

    Args:
        health: who is asked how the bot is.
        render_metrics: gives `/metrics`.
        live_after_s: for how long a loop may be stuck before `/health/live` fails, in seconds.
        lifespan: Starlette's, for whoever hosts the application.
        clean: content of a page as it may be shown; `/metrics` is clean at its source.
    """
    answers = _HealthAnswers(health, live_after_s, clean)

    async def metrics(request: Request) -> Response:
        body, content_type = render_metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type, "vary": "Accept", **_NO_STORE})

    routes = [
        Route("/health", answers.health),
        Route("/health/live", answers.live),
        Route("/health/ready", answers.ready),
        Route("/metrics", metrics, middleware=[Middleware(GZipMiddleware, compresslevel=1)]),
    ]
    paths = [route.path for route in routes]

    async def wrong(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        shown = {"error": error.detail, "routes": paths}
        return _json(shown, error.status_code, error.headers)

    async def failed(_: Request, __: Exception) -> Response:
        return _json({"error": "Internal error: the watcher's log tells more."}, 500)

    return Starlette(routes=routes, exception_handlers={HTTPException: wrong, 500: failed}, lifespan=lifespan)


class _HealthAnswers:
    """The health routes; a body is rendered once for each report."""

    def __init__(self, health: HealthWatch, live_after_s: float, clean: Clean) -> None:
        self._health = health
        self._clean = clean
        self._live_after_s = live_after_s
        self._rendered: tuple[Report, bytes] | None = None

    async def health(self, _: Request) -> Response:
        report = await self._health.look()
        if self._rendered is None or self._rendered[0] is not report:
            self._rendered = report, _encode(self._clean({**report.as_json(), "version": __version__}))
        status = 503 if report.status == "unhealthy" else 200
        return Response(self._rendered[1], status, _NO_STORE, "application/json")

    async def live(self, _: Request) -> Response:
        stuck = (await self._health.look()).not_live(self._live_after_s)
        return _json({"live": not stuck, "reasons": self._clean(stuck)}, 503 if stuck else 200)

    async def ready(self, _: Request) -> Response:
        missing = (await self._health.look()).not_ready
        return _json({"ready": not missing, "reasons": self._clean(missing)}, 503 if missing else 200)


def _json(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_encode(content), status, {**(headers or {}), **_NO_STORE}, "application/json")


def _encode(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"
