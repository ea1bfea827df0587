"""What a request waits for, measured where discord.py waits: its bucket, and others that are before it."""

from __future__ import annotations

from typing import Any

from whisperwatch.bot.instrument.requests import current_request
from whisperwatch.bot.recording.recorder import recorder

_now = recorder.clock.now


def acquire(original: Any) -> Any:
    """`Ratelimit.acquire`: a request waits here for its bucket."""

    def acquire(self: Any) -> Any:
        return original(self) if self.remaining > 0 or self.is_expired() else _waited(original(self))

    return acquire


def refresh(original: Any) -> Any:
    """`Ratelimit._refresh`: the request that emptied a bucket waits here for the next ones, before it returns."""

    def _refresh(self: Any) -> Any:
        return _waited(original(self)) if self.reset_after else original(self)

    return _refresh


def wait_for_others(original: Any) -> Any:
    """`AsyncDeferredLock.__aenter__`: a request waits here for others to the same webhook."""

    def __aenter__(self: Any) -> Any:
        return _waited(original(self)) if self.lock.locked() else original(self)

    return __aenter__


def defer_others(original: Any) -> Any:
    """`AsyncDeferredLock.__aexit__`: the request that emptied a webhook's bucket waits here for the next ones."""

    def __aexit__(self: Any, *exc_info: Any) -> Any:
        return _waited(original(self, *exc_info)) if self.delta else original(self, *exc_info)

    return __aexit__


async def _waited(coro: Any) -> Any:
    """Await what a request waits for, on its account; waits inside of waits count once."""
    request = current_request()
    if request is None or request.waiting:
        return await coro
    request.waiting, start = True, _now()
    try:
        return await coro
    finally:
        request.waiting = False
        request.wait_ns += _now() - start
