"""How a REST request is served: faults, token, rate limits, the route's own work, the answer, the ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from whisperwatch.demo.loopback.connection import reset
from whisperwatch.demo.loopback.errors import ApiError, invalid_form, unauthorized, unknown
from whisperwatch.demo.loopback.faults import Reset
from whisperwatch.demo.loopback.guilds import Channel, Guild
from whisperwatch.demo.loopback.ledger import Request
from whisperwatch.demo.loopback.messages import Message
from whisperwatch.demo.loopback.responses import VIA, json_response, ratelimited
from whisperwatch.demo.loopback.wire import JSON

if TYPE_CHECKING:
    from whisperwatch.demo.loopback.core import Core

PREFIX = "/api/v10"
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be served."""

    core: Core
    request: web.Request

    @property
    def query(self) -> Any:
        return self.request.query

    def text(self, name: str) -> str:
        """A parameter of the route."""
        return self.request.match_info[name]

    def id(self, name: str) -> int:
        """A parameter of the route that is an id. Raises ApiError."""
        value = self.text(name)
        if not value.isdecimal():
            raise ApiError(
                400, 50035, "Invalid Form Body", {name: {"_errors": [{"code": "NUMBER_TYPE_COERCE"}]}}
            )
        return int(value)

    def channel(self) -> Channel:
        return _found(self.core.world.channels, self.id("channel_id"), "Channel")

    def guild(self) -> Guild:
        return _found(self.core.world.guilds, self.id("guild_id"), "Guild")

    def message(self) -> Message:
        """The message of the route, in the channel of the route."""
        message = self.core.world.messages.get(self.id("message_id"))
        if message is None or message.channel.id != self.id("channel_id"):
            raise unknown("Message")
        return message

    async def body(self) -> Any:
        """The JSON body; of a multipart one `payload_json` with the files as attachments. Raises ApiError."""
        try:
            if self.request.content_type == "multipart/form-data":
                return await self._multipart()
            return json.loads(await self.request.read() or b"{}")
        except ValueError:
            raise ApiError(400, 50109, "The request body contains invalid JSON.") from None

    async def _multipart(self) -> JSON:
        form = await self.request.post()
        body: JSON = json.loads(str(form.get("payload_json") or "{}"))
        message = body.get("data", body)
        described = {str(each["id"]): each for each in message.get("attachments") or []}
        attached = []
        for name, file in form.items():
            if isinstance(file, web.FileField):
                number = name.partition("[")[2].rstrip("]") or "0"
                attached.append(self._attachment(file, described.pop(number, {})))
        message["attachments"] = [*described.values(), *attached]
        return body

    def _attachment(self, file: web.FileField, described: JSON) -> JSON:
        number = self.core.keep(file.file.read())
        url = f"{self.core.cdn_url}/attachments/{number}/{file.filename}"
        return {
            "id": str(number), "filename": file.filename, "size": file.file.seek(0, 2), "url": url, "proxy_url": url,
            "content_type": file.content_type, "description": described.get("description"),
        }  # fmt: skip


def _found(things: dict[int, Thing], number: int, what: str) -> Thing:
    if number not in things:
        raise unknown(what)
    return things[number]


@dataclass(frozen=True, slots=True)
class Created:
    """A result that is answered with another status than 200."""

    body: object
    status: int = 201


Work = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """A route: its template below /api/v10 and what it does. `open`: needs no token, not bound globally."""

    method: str
    template: str
    work: Work
    open: bool = False
    limited: bool = True


class Routes(list[Route]):
    """The routes of one area, filled by decorators."""

    def __call__(
        self, method: str, template: str, *, open: bool = False, limited: bool = True
    ) -> Callable[[Work], Work]:
        def add(work: Work) -> Work:
            self.append(Route(method, template, work, open, limited))
            return work

        return add


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def handler(core: Core, route: Route) -> Handler:
    """The aiohttp handler of a route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        at, began = time.time(), time.perf_counter()
        try:
            response = await _answer(core, route, request)
        except Reset:
            reset(request)
            response = web.Response(status=499)
            _note(core, route, request, at, began, None)
            return response
        _note(core, route, request, at, began, response)
        return response

    return handle


async def _answer(core: Core, route: Route, request: web.Request) -> web.Response:
    struck = await core.faults.strike(route.method, route.template)
    if struck is not None:
        return struck
    if not route.open and not core.accepts(request.headers.get("Authorization", "")):
        error = unauthorized()
        return json_response(error.body, error.status)
    headers: dict[str, str] = {}
    if route.limited:
        verdict = core.ratelimits.take(route.method, route.template, request.match_info, bound=not route.open)
        if verdict.retry_after is not None:
            return ratelimited("global" if verdict.overall else "user", verdict.retry_after, verdict.headers)
        headers = verdict.headers
    try:
        return _success(await route.work(Call(core, request)), headers)
    except ApiError as error:
        return json_response(error.body, error.status, headers)
    except (KeyError, TypeError, ValueError) as error:
        refused = invalid_form("body", type(error).__name__, str(error))
        return json_response(refused.body, refused.status, headers)


def _success(result: object, headers: dict[str, str]) -> web.Response:
    if result is None:
        return web.Response(status=204, headers={**VIA, **headers})
    if isinstance(result, Created):
        return json_response(result.body, result.status, headers)
    return json_response(result, 200, headers)


def _note(
    core: Core, route: Route, request: web.Request, at: float, began: float, response: web.Response | None
) -> None:
    scope = retry_after = None
    status = 0 if response is None else response.status
    if response is not None and status == 429:
        scope = response.headers.get("X-RateLimit-Scope", "cloudflare")
        if scope != "cloudflare" and response.text is not None:
            retry_after = json.loads(response.text)["retry_after"]
    path = request.path.removeprefix(PREFIX)
    duration = time.perf_counter() - began
    core.ledger.request(Request(at, route.method, route.template, path, status, duration, scope, retry_after))
