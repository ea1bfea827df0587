"""The REST API v10, by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from whisperwatch.demo.loopback.errors import not_found
from whisperwatch.demo.loopback.rest import callbacks, channels, commands, guilds, messages, users, webhooks
from whisperwatch.demo.loopback.rest.calls import PREFIX, Call, Handler, Route, handler

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

AREAS = (users, channels, messages, guilds, commands, callbacks, webhooks)


def install(app: web.Application, core: Core) -> None:
    """Adds every route; what is none of them is answered with Discord's 404."""
    for area in AREAS:
        for route in area.routes:
            app.router.add_route(route.method, PREFIX + route.template, handler(core, route))
    app.router.add_route("*", "/api/{rest:.*}", _unrouted(core))


def _unrouted(core: Core) -> Handler:
    async def work(call: Call) -> object:
        raise not_found()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(core, Route(request.method, "unknown", work, open=True, limited=False))(request)

    return handle
