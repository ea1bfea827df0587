"""The routes that the outside may ask: health for people and orchestrators, metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whisperwatch.watcher.health.watch import HealthWatch
from whisperwatch.watcher.web.health import NO_STORE, Access, Clean, HealthAnswers, answer

RenderMetrics = Callable[[str], tuple[bytes, str]]
"""From an Accept header to the exposition and its content type."""
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def app(
    health: HealthWatch,
    render_metrics: RenderMetrics,
    live_after_s: float = 60.0,
    access: Access | None = None,
    lifespan: Lifespan | None = None,
    clean: Clean = lambda content: content,
    api: Sequence[Route] = (),
) -> Starlette:
    """The ASGI application.

    Args:
        health: who is asked how the bot is.
        render_metrics: gives `/metrics`.
        live_after_s: for how long a loop may be stuck before `/health/live` fails, in seconds.
        access: who may read more of health than a status.
        lifespan: Starlette's, for whoever hosts the application.
        clean: content of a page as it may be shown; `/metrics` is clean at its source.
        api: further routes.
    """

    async def metrics(request: Request) -> Response:
        body, content_type = render_metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type, "vary": "Accept", **NO_STORE})

    routes = [
        *HealthAnswers(health, live_after_s, access or Access(), clean).routes(),
        Route("/metrics", metrics, middleware=[Middleware(GZipMiddleware, compresslevel=1)]),
        *api,
    ]
    paths = [route.path for route in routes]

    async def wrong(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        shown = {"error": error.detail, "routes": paths}
        return answer(shown, error.status_code, error.headers)

    async def failed(_: Request, __: Exception) -> Response:
        return answer({"error": "Internal error: the watcher's log tells more."}, 500)

    return Starlette(routes=routes, exception_handlers={HTTPException: wrong, 500: failed}, lifespan=lifespan)
