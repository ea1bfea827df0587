"""The attempts inside a request.

discord.py retries inside `HTTPClient.request`, out of sight; so the session it uses gets a `request` of ours in front,
which times the attempts of the request that is current.
"""

from __future__ import annotations

import weakref
from typing import Any

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.requests import Request, current_request


def stand_before(session: Any) -> None:
    """Put our `request` before the session's, once: on the instance, and taken back by `stand_aside`."""
    if "request" in session.__dict__:
        return
    plain = type(session).request
    owner = weakref.ref(session)

    def request(method: str, url: Any, **kwargs: Any) -> Any:
        current = current_request()
        sent = plain(owner(), method, url, **kwargs)
        return sent if current is None else _Attempt(current, sent)

    session.__dict__["request"] = request
    _before.add(session)


def stand_aside() -> None:
    """Give every session its own `request` back."""
    for session in list(_before):
        session.__dict__.pop("request", None)
    _before.clear()


_before: weakref.WeakSet[Any] = weakref.WeakSet()
"""The sessions that have our `request`: discord.py's, and those that users give to webhooks."""


class _Attempt:
    """aiohttp's context manager of one attempt, timed to the response's headers."""

    __slots__ = ("request", "sent")

    def __init__(self, request: Request, sent: Any) -> None:
        self.request = request
        self.sent = sent

    async def __aenter__(self) -> Any:
        try:
            self.request.sending()
        except Exception:
            guard.failed("rest attempt")
        try:
            response = await self.sent.__aenter__()
        except BaseException:
            self._broke()
            raise
        try:
            self.request.answered(response.status, response.headers)
        except Exception:
            guard.failed("rest attempt")
        return response

    def _broke(self) -> None:
        try:
            self.request.answered("error", {})
        except Exception:
            guard.failed("rest attempt")

    def __aexit__(self, *exc_info: Any) -> Any:
        return self.sent.__aexit__(*exc_info)

    def __await__(self) -> Any:
        return self.sent.__await__()
