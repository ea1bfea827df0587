"""aiohttp's client: a span for each request, redirects included, but none for what discord.py sends: that is REST's."""

from __future__ import annotations

from typing import Any

from aiohttp import client

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.calls import ended
from whisperwatch.bot.instrument.libraries.http import HTTPCall, answered, begun
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.patches import Patch

_patches = LibraryPatches("aiohttp")


def apply() -> Undo:
    """Patch aiohttp; returns what takes it back."""
    _patches.apply([Patch(client.ClientSession, "_request", _request)])
    return _patches.undo


def _request(original: Any) -> Any:
    async def _request(self: Any, method: Any, str_or_url: Any, **kwargs: Any) -> Any:
        call = _begun(self, method, str_or_url) if _patches.on else None
        if call is None:
            return await original(self, method, str_or_url, **kwargs)
        try:
            response = await original(self, method, str_or_url, **kwargs)
        except BaseException as error:
            ended(call, error)
            raise
        answered(call, response.status)
        return response

    return _request


def _begun(session: Any, method: Any, given: Any) -> HTTPCall | None:
    try:
        if getattr(session._ws_response_class, "__module__", "").startswith("discord."):
            return None
        try:
            url = session._build_url(given)
        except (ValueError, TypeError, AssertionError):  # which aiohttp is about to say itself
            return None
        return begun(method, url.scheme, url.host, url.port, url.path)
    except Exception:
        guard.failed("aiohttp")
        return None
