"""The SDKs' clients: both have one function that sends every request, retries it, and returns the answer or stream.

That one is patched, so whatever the bot calls (`create`, `parse`, `stream`, raw responses, copies of a client, Azure's
and Bedrock's clients) comes by here once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended, suppressed
from whisperwatch.bot.instrument.libraries.endpoints import remember
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.llm import raw, streams
from whisperwatch.bot.instrument.libraries.llm.call import ModelCall
from whisperwatch.bot.instrument.libraries.llm.prompts import prompts
from whisperwatch.bot.instrument.libraries.llm.servers import Server, server_of
from whisperwatch.bot.instrument.libraries.llm.streams import Reader
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.bot.masking import told


@dataclass(frozen=True, slots=True)
class Route:
    """What one path of the API is asked for, and how its answers are read, whole and in pieces."""

    operation: str
    read: Reader
    read_chunk: Reader


class Clients:
    """The clients of one SDK.

    Args:
        system: the SDK's name, and the provider's where its host is not known.
        client: its sync client's class.
        routes: by path.
        resources: (module, class) pairs whose `create` other instrumentations wrap: where one has, we are still.
    """

    def __init__(
        self, system: str, client: type, routes: Mapping[str, Route], resources: tuple[tuple[str, str], ...]
    ) -> None:
        self._system = system
        self._routes = routes
        self._resources = resources
        self._servers: WeakKeyDictionary[Any, tuple[Any, Server]] = WeakKeyDictionary()
        self._patches = LibraryPatches(system)
        self._module = client.__module__.partition(".")[0]

    def apply(self, more: tuple[Patch, ...] = ()) -> Undo:
        """Patch the SDK; `more` is what only this one has."""
        base, streaming = self._part("_base_client"), self._part("_streaming")
        response, legacy = self._part("_response"), self._part("_legacy_response")
        patches = [
            Patch(base.SyncAPIClient, "request", self._request),
            Patch(base.AsyncAPIClient, "request", self._async_request),
            Patch(streaming.Stream, "__init__", raw.init),
            Patch(streaming.AsyncStream, "__init__", raw.init),
            Patch(streaming.Stream, "close", streams.close),
            Patch(streaming.AsyncStream, "close", streams.aclose),
            *more,
        ]
        if hasattr(response, "AsyncAPIResponse"):
            patches += [
                Patch(response.APIResponse, "close", raw.close),
                Patch(response.AsyncAPIResponse, "close", raw.aclose),
            ]
        found = (getattr(response, "BaseAPIResponse", None), getattr(legacy, "LegacyAPIResponse", None))
        self._raw = tuple(kind for kind in found if kind is not None)
        self._patches.apply(patches)
        self._functions = (base.SyncAPIClient.request, base.AsyncAPIClient.request)
        self._streams = (streaming.Stream, streaming.AsyncStream)
        return self._patches.undo

    def _part(self, name: str) -> Any:
        return sys.modules.get(f"{self._module}.{name}")

    def _request(self, original: Any) -> Any:
        def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
            begun = self._begin(client, options, kwargs.get("stream"))
            if begun is None:
                return original(client, cast_to, options, *args, **kwargs)
            call, route = begun
            token = call.enter()
            try:
                answer = original(client, cast_to, options, *args, **kwargs)
            except BaseException as error:
                ended(call, error)
                raise
            finally:
                call.leave(token)
            self._answered(call, route, answer)
            return answer

        return request

    def _async_request(self, original: Any) -> Any:
        async def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
            begun = self._begin(client, options, kwargs.get("stream"))
            if begun is None:
                return await original(client, cast_to, options, *args, **kwargs)
            call, route = begun
            token = call.enter()
            try:
                answer = await original(client, cast_to, options, *args, **kwargs)
            except BaseException as error:
                ended(call, error)
                raise
            finally:
                call.leave(token)
            self._answered(call, route, answer)
            return answer

        return request

    def _begin(self, client: Any, options: Any, streamed: Any) -> tuple[ModelCall, Route] | None:
        try:
            route = self._routes.get(options.url.partition("?")[0])
            body = options.json_data
            if route is None or type(body) is not dict or not self._patches.on:
                return None
            if suppressed() or self._others_watch(client):
                return None
            asked = self._server(client).asked(route.operation, str(body.get("model") or "unknown"))
            for text in prompts(body):
                told(text)
            spanned = getattr(client, "_tracer", None) is None  # else the SDK makes spans of its own
            return ModelCall(asked, body, bool(streamed), spanned), route
        except Exception:
            guard.failed(f"{self._system} request")
            return None

    def _others_watch(self, client: Any) -> bool:
        """Whether another instrumentation has wrapped the client, or what is called on it."""
        if type(client).request not in self._functions or "request" in client.__dict__:
            return True
        for module, name in self._resources:
            resource = getattr(sys.modules.get(module), name, None)
            if resource is not None and type(vars(resource).get("create")) is not FunctionType:
                return True
        return False

    def _server(self, client: Any) -> Server:
        url = client.base_url
        known = self._servers.get(client)
        if known is None or known[0] is not url:
            known = self._servers[client] = (url, server_of(url, self._system))
            key = {name: getattr(client, name, None) for name in ("api_key", "auth_token")}
            given = {name: value for name, value in key.items() if value is not None}
            remember(self._system, {"base_url": str(url), "provider": known[1].provider, **given})
        return known[1]

    def _answered(self, call: ModelCall, route: Route, answer: Any) -> None:
        try:
            if isinstance(answer, self._streams):
                streams.watch_stream(answer, call, route.read_chunk)
            elif isinstance(answer, self._raw):
                raw.watch_raw(answer, call, route.read, route.read_chunk)
            else:
                route.read(call, answer)
                call.over()
        except Exception:
            guard.failed(f"{self._system} answer")
            ended(call)
