"""REST requests to Discord, as a whole: where discord.py sends them, and what they mean to who waits for a reply."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from whisperwatch.bot import guard
from whisperwatch.bot.instrument import identifies
from whisperwatch.bot.instrument.attempts import stand_before
from whisperwatch.bot.instrument.bots import Bot, any_bot, bot_of_http
from whisperwatch.bot.instrument.event_roots import EventRoot
from whisperwatch.bot.instrument.requests import Request
from whisperwatch.bot.instrument.routes import route_cells
from whisperwatch.bot.recording.current import ROOT_KEY, read

_VISIBLE_CALLBACKS = frozenset({4, 7, 8, 9})
"""Interaction responses that a user sees: a message, an update of one, choices, a modal."""
unwatched: ContextVar[bool] = ContextVar("whisperwatch_unwatched", default=False)
"""Set where we ask Discord something ourselves: it doesn't show in the bot's data."""


def request(original: Any) -> Any:
    """`HTTPClient.request`."""

    def request(self: Any, route: Any, **kwargs: Any) -> Any:
        coro = original(self, route, **kwargs)
        try:
            bot = bot_of_http(self)
            session = self._HTTPClient__session
            if (
                bot is None or unwatched.get() or not hasattr(session, "request")
            ):  # none is there before the login
                return coro
            return _watched(bot, route, session, coro, self._global_over)
        except Exception:
            guard.failed("rest request")
            return coro

    return request


def webhook_request(original: Any) -> Any:
    """`AsyncWebhookAdapter.request`: interaction responses, followups and webhooks."""

    def request(self: Any, route: Any, session: Any, **kwargs: Any) -> Any:
        coro = original(self, route, session, **kwargs)
        try:
            bot = any_bot()
            if bot is None or unwatched.get():
                return coro
            return _watched(bot, route, session, coro, None, _callback_type(route, kwargs))
        except Exception:
            guard.failed("webhook request")
            return coro

    return request


async def _watched(
    bot: Bot, route: Any, session: Any, coro: Any, global_over: Any, callback_type: int = 0
) -> Any:
    try:
        if "request" not in session.__dict__:
            stand_before(session)
        cells = bot.cells.get((route.method, route.path)) or route_cells(bot, route)
        begun = Request(bot, cells, bool(global_over) and not global_over.is_set())
    except Exception:
        guard.failed("rest request")
        return await coro
    error: BaseException | None = None
    try:
        answer = await coro
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            begun.over(error)
            if error is None:
                _replied(begun, callback_type, route.channel_id)
        except Exception:
            guard.failed("rest request end")
        del error  # its traceback holds this frame
    if cells.limits:
        identifies.learn(bot, answer)
    return answer


def _replied(request: Request, callback_type: int, channel_id: Any) -> None:
    if request.cells.replies or (request.cells.responds and callback_type in _VISIBLE_CALLBACKS):
        root = read().get(ROOT_KEY)
        if (
            isinstance(root, EventRoot)
            and not root.end_ns
            and _is_seen(request.bot, root.subject, channel_id)
        ):
            root.reply(request.answered_ns)


def _is_seen(bot: Bot, subject: Any, channel_id: Any) -> bool:
    """Whether who is answered sees what is posted there: in their channel, a thread of it, or in private."""
    asked_in = getattr(getattr(subject, "channel", None), "id", None)
    if channel_id is None or asked_in is None or channel_id in (asked_in, getattr(subject, "id", None)):
        return True  # a thread that begins with a message has its id
    client, guild = bot.client(), getattr(subject, "guild", None)
    private = None if client is None else client._connection._get_private_channel(channel_id)
    if private is not None:
        who = getattr(subject, "author", None) or getattr(subject, "user", None)
        return bool(getattr(private, "recipient", None) == who)
    thread = None if guild is None else guild.get_thread(channel_id)
    return thread is not None and thread.parent_id == asked_in


def _callback_type(route: Any, kwargs: Any) -> int:
    if not route.path.endswith("/callback"):
        return 0
    payload = kwargs.get("payload")
    if payload is None:
        return _VISIBLE_MULTIPART if kwargs.get("multipart") else 0
    return int(payload.get("type", 0))


_VISIBLE_MULTIPART = 4
"""A response with files is a message."""
