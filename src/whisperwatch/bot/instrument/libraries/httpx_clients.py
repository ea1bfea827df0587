"""The clients of httpx and its kin: a span for each request that goes out, each hop of a redirect its own."""

from __future__ import annotations

from typing import Any

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended
from whisperwatch.bot.instrument.libraries.http import HTTPCall, answered, begun
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch


class Clients:
    """The clients of httpx, or of a library that is one."""

    def __init__(self, library: Any) -> None:
        self._patches = LibraryPatches(library.__name__)
        self._library = library

    def apply(self) -> Undo:
        """Patch them; returns what takes it back."""
        self._patches.apply([
            Patch(self._library.AsyncClient, "_send_single_request", self._async_send),
            Patch(self._library.Client, "_send_single_request", self._send),
        ])  # fmt: skip
        return self._patches.undo

    def _async_send(self, original: Any) -> Any:
        async def _send_single_request(client: Any, request: Any) -> Any:
            call = self._begun(request)
            if call is None:
                return await original(client, request)
            try:
                response = await original(client, request)
            except BaseException as error:
                ended(call, error)
                raise
            answered(call, response.status_code)
            return response

        return _send_single_request

    def _send(self, original: Any) -> Any:
        def _send_single_request(client: Any, request: Any) -> Any:
            call = self._begun(request)
            if call is None:
                return original(client, request)
            try:
                response = original(client, request)
            except BaseException as error:
                ended(call, error)
                raise
            answered(call, response.status_code)
            return response

        return _send_single_request

    def _begun(self, request: Any) -> HTTPCall | None:
        if not self._patches.on:
            return None
        try:
            url = request.url
            return begun(request.method, url.scheme, url.host, url.port, url.path)
        except Exception:
            guard.failed(self._library.__name__)
            return None
