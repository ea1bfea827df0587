"""REST requests to Discord: the request as a whole, and each attempt inside it.

discord.py retries inside `HTTPClient.request`, out of sight; so the session it uses gets a `request` of ours in front,
which times the attempts of the request that is current. What lies between attempts is waiting.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context, create_key

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import MOST_CELLS, Bot, EventRoot, any_bot, bot_of_http
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.current import ROOT_KEY, SPAN_KEY, enter, leave, read
from whisperwatch.bot.recording.recorder import MOST_SPANS, recorder
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_KIND_CLIENT = 2
_now = recorder.clock.now
_VISIBLE_CALLBACKS = frozenset({4, 7, 8, 9})
"""Interaction responses that a user sees: a message, an update of one, choices, a modal."""
_REPLIES = frozenset({
    "POST /channels/{channel_id}/messages",
    "POST /webhooks/{webhook_id}/{webhook_token}",
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}",
})  # fmt: skip
_CALLBACK = "POST /interactions/{webhook_id}/{webhook_token}/callback"


class RouteCells:
    """What requests by one route are measured by. The first request is how a bot learns its name: until then its
    points wait."""

    __slots__ = (
        "attributes", "bot", "durations", "limits", "method", "path", "replies", "responds", "static", "title",
    )  # fmt: skip

    def __init__(self, bot: Bot, method: str, path: str, host: str) -> None:
        self.bot = bot
        self.method = method
        self.path = path
        self.title = f"{method} {path}"
        self.replies = self.title in _REPLIES
        self.responds = self.title == _CALLBACK
        self.limits = self.title == "GET /gateway/bot"
        self.attributes: dict[str, Any] | None = None
        self.static = recorder.attribute_set(
            {semconv.METHOD: method, semconv.ROUTE: path, semconv.SERVER_ADDRESS: host}
        )
        self.durations: dict[Any, Any] = {}

    def took(self, status: Any, seconds: float, span: Span | None) -> None:
        """One attempt's duration."""
        found = self.durations.get(status)
        if found is None:
            named = self._named(lambda: self.took(status, seconds, None))
            if named is None:
                return
            found = self.durations[status] = timing(
                semconv.HTTP_DURATION, {**named, semconv.STATUS_CODE: status}
            )
        found.record(seconds, span)

    def waited(self, seconds: float) -> None:
        """What one request waited for rate limits."""
        named = self._named(lambda: self.waited(seconds))
        if named is not None:
            timing(semconv.HTTP_WAIT, named).record(seconds)

    def count(self, metric: semconv.Metric, more: dict[str, Any]) -> None:
        named = self._named(lambda: self.count(metric, more))
        if named is not None:
            counting(metric, {**named, **more}).add(1)

    def _named(self, later: Callable[[], None]) -> dict[str, Any] | None:
        """The attributes, or None: then `later` is called when the bot has a name."""
        if self.attributes is None:
            if self.bot.known_name is None:
                self.bot.when_named(later)
                return None
            self.attributes = {
                semconv.BOT_NAME: self.bot.name,
                semconv.METHOD: self.method,
                semconv.ROUTE: self.path,
            }
        return self.attributes


class Request(Span):
    """A request that is under way: its span, and what it is measured by."""

    kind_number = _KIND_CLIENT
    recorded = True
    """False where the span isn't: then the request is measured only."""
    answered_ns = 0
    """When the last answer's head came."""
    held = False
    """By a global rate limit, before it is sent."""
    waiting = False
    tries = 0
    wait_ns = 0
    took_ns = 0
    """How long the only attempt took, which is measured when the request is settled."""
    answer: Any = None
    """The last attempt's status, or `error` where the connection broke."""

    def __init__(self, bot: Bot, cells: RouteCells, held: bool) -> None:
        self.bot = bot
        self.cells = cells
        self.title = cells.title
        self.static = cells.static
        if held:
            self.held = True
        context = read()
        if tracing.start(self):
            below = Context({**context, SPAN_KEY: self.visible if self.ornate else self, _REQUEST_KEY: self})
        else:
            self.recorded = False
            self.start_ns = _now()
            below = Context({**context, _REQUEST_KEY: self})
        self.mark = self.start_ns
        self.token = enter(below)

    def sending(self) -> None:
        """An attempt begins: what lies between it and a 429 was a wait."""
        now = _now()
        if self.tries:
            if self.answer == 429:
                self.wait_ns += now - self.mark
            self.cells.count(semconv.HTTP_RETRIES, {semconv.RETRY_REASON: _reason(self.answer)})
        elif self.held:
            self.wait_ns = now - self.mark
        self.tries += 1
        self.mark = now

    def answered(self, status: Any, headers: Any) -> None:
        """An attempt is over; `status` is HTTP's, or `error` where the connection broke."""
        now = self.answered_ns = _now()
        self.answer = status
        if self.tries == 1 and status == 200:
            self.took_ns = now - self.mark
            return
        self.cells.took(status, (now - self.mark) / 1e9, self if self.recorded else None)
        self.mark = now
        if status == 429:
            scope = _scope(headers)
            self.cells.count(semconv.HTTP_RATELIMITED, {semconv.RATELIMIT_SCOPE: scope})
            if scope != "shared":
                self.bot.invalid_requests.append(now)
        elif status in (401, 403):
            self.bot.invalid_requests.append(now)

    def over(self, error: BaseException | None) -> None:
        """The request as a whole is over."""
        leave(self.token)
        if error is not None and self.recorded:
            self.fail(error)
        self.end_ns = _now()
        if recorder.deferring and not self.ornate and len(recorder.unsettled) < MOST_SPANS:
            recorder.unsettled.append(self)
        else:
            self.settle()

    def settle(self) -> None:
        """Measure it, and export it."""
        if self.took_ns:
            self.cells.took(self.answer, self.took_ns / 1e9, self if self.recorded else None)
        if self.wait_ns:
            self.cells.waited(self.wait_ns / 1e9)
        if self.recorded:
            self._describe()
            self.deliver()

    def _describe(self) -> None:
        own = self.own = self.own or {}
        if self.answer is not None and self.answer != "error":
            own[semconv.STATUS_CODE] = self.answer
        if self.tries > 1:
            own[semconv.RESEND_COUNT] = self.tries - 1
        if self.wait_ns:
            own[semconv.RATELIMIT_WAIT] = self.wait_ns / 1e9


_REQUEST_KEY = create_key("whisperwatch-request")


def current_request() -> Request | None:
    """The request that this task is sending."""
    request: Request | None = read().get(_REQUEST_KEY)  # type: ignore[assignment]
    return request


unwatched: ContextVar[bool] = ContextVar("whisperwatch_unwatched", default=False)
"""Set where we ask Discord something ourselves: it doesn't show in the bot's data."""


def request(original: Any) -> Any:
    """`HTTPClient.request`."""

    def request(self: Any, route: Any, **kwargs: Any) -> Any:
        coro = original(self, route, **kwargs)
        bot = bot_of_http(self)
        if bot is None or unwatched.get():
            return coro
        return _watched(bot, route, self._HTTPClient__session, coro, self._global_over)

    return request


def webhook_request(original: Any) -> Any:
    """`AsyncWebhookAdapter.request`: interaction responses, followups and webhooks."""

    def request(self: Any, route: Any, session: Any, **kwargs: Any) -> Any:
        coro = original(self, route, session, **kwargs)
        bot = any_bot()
        if bot is None:
            return coro
        return _watched(bot, route, session, coro, None, _callback_type(route, kwargs))

    return request


async def _watched(
    bot: Bot, route: Any, session: Any, coro: Any, global_over: Any, callback_type: int = 0
) -> Any:
    try:
        if "request" not in session.__dict__:
            stand_before(session)
        cells = bot.cells.get((route.method, route.path)) or _cells(bot, route)
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
                _replied(begun, callback_type)
        except Exception:
            guard.failed("rest request end")
        del error  # its traceback holds this frame
    if cells.limits:
        read_session_limit(bot, answer)
    return answer


def _cells(bot: Bot, route: Any) -> RouteCells:
    key = (route.method, _template(route.path) if len(bot.cells) < MOST_CELLS else "/{other}")
    cells: RouteCells | None = bot.cells.get(key)
    if cells is None:
        host = route.BASE.split("/")[2].split(":")[0]
        cells = bot.cells[key] = RouteCells(bot, *key, host)
    return cells


def _template(path: str) -> str:
    """The template of a route that a user's own code, or discord.py, has already put ids into."""
    return _TOKEN.sub("/{token}", _ID.sub("/{id}", path.partition("?")[0]))


_ID = re.compile(r"/\d{5,}(?=/|$)")
_TOKEN = re.compile(r"/(?=[^/]*\d)[\w.~-]{40,}(?=/|$)")


def _replied(request: Request, callback_type: int) -> None:
    if request.cells.replies or (request.cells.responds and callback_type in _VISIBLE_CALLBACKS):
        root = read().get(ROOT_KEY)
        if isinstance(root, EventRoot) and not root.end_ns:
            root.reply(request.answered_ns)


def _callback_type(route: Any, kwargs: Any) -> int:
    if not route.path.endswith("/callback"):
        return 0
    payload = kwargs.get("payload")
    if payload is None:
        return _VISIBLE_MULTIPART if kwargs.get("multipart") else 0
    return int(payload.get("type", 0))


_VISIBLE_MULTIPART = 4
"""A response with files is a message."""


def read_session_limit(bot: Bot, answer: Any) -> None:
    """Keep what Discord says of the IDENTIFYs that are left."""
    try:
        limit = answer["session_start_limit"]
        attributes = {semconv.BOT_NAME: bot.name}
        counting(semconv.IDENTIFY_REMAINING, attributes).set(limit["remaining"])
        counting(semconv.IDENTIFY_LIMIT, attributes).set(limit["total"])
    except Exception:
        guard.failed("session_start_limit")


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


def _reason(status: Any) -> str:
    if status == 429:
        return "ratelimited"
    return "connection" if status == "error" else "server_error"


def _scope(headers: Any) -> str:
    if "Via" not in headers:
        return "cloudflare"
    if headers.get("X-RateLimit-Global"):
        return "global"
    return str(headers.get("X-RateLimit-Scope", "user"))
