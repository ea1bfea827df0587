"""A request to Discord while it is under way: its span, and what it is measured by."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context, create_key

from whisperwatch import semconv
from whisperwatch.bot.instrument.bots import Bot
from whisperwatch.bot.instrument.routes import RouteCells
from whisperwatch.bot.recording.current import SPAN_KEY, enter, leave, read
from whisperwatch.bot.recording.ended import MOST_SPANS
from whisperwatch.bot.recording.readable import SAMPLED
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_KIND_CLIENT = 2
_now = recorder.clock.now


class Request(Span):
    """A request that is under way: its span, and what it is measured by."""

    kind_number = _KIND_CLIENT
    recorded = True
    """False where the span isn't: then the request is measured only."""
    answered_ns = 0
    """When the last answer's head came."""
    held: bool
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
        self.held = held
        # what is read later, and rarely set: a default of the class costs ten times as much to read
        self.end_ns = self.tries = self.wait_ns = self.took_ns = 0
        self.ornate = self.waiting = False
        self.flags = SAMPLED
        self.recorded = True
        self.answer = self.own = None
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
        del self.token  # it holds the context, and with it all that the task held
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
