"""Dispatched events: a root for each that anyone listens to, and a span for each listener of the user's."""

from __future__ import annotations

import functools
from typing import Any

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import set_span_in_context

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, bot_of
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.instrument.outcomes import original_of
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.bot.recording.spans import Span, type_name
from whisperwatch.bot.recording.tracing import tracing


def run_event(original: Any) -> Any:
    """`Client._run_event`, which discord.py calls, and so makes a coroutine of, where it dispatches."""

    def _run_event(self: Any, coro: Any, event_name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            bot = bot_of(self)
            root, enter = bot.event_root(event_name[3:], args)
            root.hold()
        except Exception:
            guard.failed("event")
            return original(self, coro, event_name, *args, **kwargs)
        return _run(original, self, root, enter, _Listener(bot, root, coro, event_name), event_name, args, kwargs)

    return _run_event


async def _run(
    original: Any, client: Any, root: Root, enter: bool, listener: Any, event_name: str, args: Any, kwargs: Any
) -> None:
    if enter:
        root.enter()
    try:
        await original(client, listener, event_name, *args, **kwargs)
    finally:
        root.release()


class _Listener:
    """A listener's coroutine function, watched. discord.py's own `on_message` gets no span of its own."""

    __slots__ = ("bot", "coro", "event_name", "root")

    def __init__(self, bot: Bot, root: Root, coro: Any, event_name: str) -> None:
        self.bot = bot
        self.root = root
        self.coro = coro
        self.event_name = event_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        module = getattr(self.coro, "__module__", None) or ""
        if module.startswith("discord."):
            return self._library(args, kwargs)
        return self._user(args, kwargs)

    async def _library(self, args: Any, kwargs: Any) -> Any:
        try:
            return await self.coro(*args, **kwargs)
        except Exception as error:
            self._failed(error, None)
            raise

    async def _user(self, args: Any, kwargs: Any) -> Any:
        span = self._start()
        token = None if span is None else attach(set_span_in_context(span.visible))
        try:
            return await self.coro(*args, **kwargs)
        except Exception as error:
            self._failed(error, span)
            raise
        finally:
            if span is not None and token is not None:
                detach(token)
                span.end()

    def _start(self) -> Span | None:
        try:
            title, static = _listener_names(self.bot, self.coro)
            return ListenerSpan.start(title, static, self.root)
        except Exception:
            guard.failed("listener")
            return None

    def _failed(self, error: Exception, span: Span | None) -> None:
        try:
            if span is not None:
                span.fail(error)
            fail_root(self.bot, self.root, error, self.event_name[3:])
        except Exception:
            guard.failed("listener error")


class ListenerSpan(Span):
    """A listener's span: nothing has happened only because somebody listened, so it waits for what its root does."""

    holder: Any = None

    @classmethod
    def start(cls, title: str, static: tuple[int, dict[str, Any]], root: Root) -> Span | None:
        """None where the root isn't recorded. The root is marked as touched by what happens under the span only."""
        touched = root.touched
        span = tracing.child(title, 0, static)
        root.touched = touched
        if span is not None and hasattr(root, "held") and span.root is root:
            span.__class__ = cls
            span.__dict__["holder"] = root
        return span

    def deliver(self) -> None:
        if self.holder is None:
            super().deliver()
        else:
            self.holder.held.append(self)


def fail_root(bot: Bot, root: Root, error: BaseException, event: str) -> None:
    """An exception left the user's code: mark the root, and count it."""
    if not root.end_ns:
        root.touched = True
        root.fail(original_of(error))
    count_error(bot, event, error)


def count_error(bot: Bot, event: str, error: BaseException) -> None:
    name = type_name(original_of(error))
    attributes = {semconv.BOT_NAME: bot.name, semconv.EVENT: event, semconv.ERROR_TYPE: name}
    counting(semconv.EVENT_ERRORS, attributes).add(1)


def wait_for(original: Any) -> Any:
    """`Client.wait_for`: the event that resolves it gets a root, and the span that waits a link to it."""

    def wait_for(self: Any, event: str, /, *, check: Any = None, timeout: float | None = None) -> Any:
        try:
            check = functools.partial(_checked, bot_of(self), event.lower(), trace.get_current_span(), check)
        except Exception:
            guard.failed("wait_for")
        return original(self, event, check=check, timeout=timeout)

    return wait_for


def _checked(bot: Bot, event: str, waiting: trace.Span, check: Any, *args: Any) -> Any:
    matched = True if check is None else check(*args)
    if matched:
        try:
            _link(bot, event, waiting, args)
        except Exception:
            guard.failed("wait_for link")
    return matched


def _link(bot: Bot, event: str, waiting: trace.Span, args: tuple[Any, ...]) -> None:
    if not bot.received_ns:
        return
    root = bot.parse_root(event, args)
    root.touched = True
    if waiting.is_recording() and root.sampled:
        waiting.add_link(root.under.get_span_context(), {semconv.TASK_CAUSE: "wait_for"})


def _listener_names(bot: Bot, coro: Any) -> tuple[str, tuple[int, dict[str, Any]]]:
    name = getattr(coro, "__qualname__", None) or type(coro).__qualname__
    key = ("listener", name)
    found: tuple[str, tuple[int, dict[str, Any]]] | None = bot.cells.get(key)
    if found is None:
        found = (f"listener {name}", recorder.attribute_set({semconv.BOT_NAME: bot.name, semconv.LISTENER: name}))
        bot.cells[key] = found
    return found
