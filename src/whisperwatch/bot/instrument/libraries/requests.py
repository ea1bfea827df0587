"""requests: a span for each request that goes out, each hop of a redirect its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from requests import adapters

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended
from whisperwatch.bot.instrument.libraries.http import HTTPCall, answered, begun
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch

_patches = LibraryPatches("requests")


def apply() -> Undo:
    """Patch requests; returns what takes it back."""
    _patches.apply([Patch(adapters.HTTPAdapter, "send", _send)])
    return _patches.undo


def _send(original: Any) -> Any:
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(request) if _patches.on else None
        if call is None:
            return original(self, request, *args, **kwargs)
        try:
            response = original(self, request, *args, **kwargs)
        except BaseException as error:
            ended(call, error)
            raise
        answered(call, response.status_code)
        return response

    return send


def _begun(request: Any) -> HTTPCall | None:
    try:
        url = urlsplit(request.url)
        return begun(request.method, url.scheme, url.hostname, url.port, url.path)
    except Exception:
        guard.failed("requests")
        return None
