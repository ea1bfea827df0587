"""Dispatched events: a root for each that anyone listens to, and a span for each listener of the user's."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from typing import Any

import discord
from discord.ext.commands.bot import BotBase
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, bot_of
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.event_roots import EventRoot
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.instrument.outcomes import original_of
from whisperwatch.bot.masking import heard
from whisperwatch.bot.recording.current import enter, enter_span, leave
from whisperwatch.bot.recording.exceptions import type_name
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, root_here
from whisperwatch.bot.recording.spans import Span
from whisperwatch.bot.recording.tracing import tracing

_KNOWN = (2, 7)
"""Up to this discord.py, `_run_event` is known line by line: ours stands in its place, which saves two coroutines an
event. A newer one, or somebody else's patch, is called and watched from outside."""


def run_event(original: Any) -> Any:
    """`Client._run_event`, which discord.py calls, and so makes a coroutine of, where it dispatches."""
    version = discord.version_info
    code = getattr(original, "__code__", None)  # somebody else may have patched it before us
    own = code is not None and code.co_filename == discord.client.__file__
    known = own and (version.major, version.minor) <= _KNOWN

    def _run_event(self: Any, coro: Any, event_name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                bot = self._whisperwatch
            except AttributeError:
                bot = bot_of(self)
            if bot.receiving is not None:
                known_root = bot.root
                if known_root is None or known_root.subject is None:
                    known_root = bot.parse_root(event_name, args)
                elif args and args[0] is not known_root.subject:
                    known_root.also(args)
                root, enters = known_root, True
            else:
                root, enters = bot.event_root(event_name, args)
            root.pending += 1
        except Exception:
            guard.failed("event")
            return original(self, coro, event_name, *args, **kwargs)
        if known:
            return _run(self, bot, root, enters, coro, event_name, args, kwargs)
        return _run_newer(original, self, bot, root, enters, coro, event_name, args, kwargs)

    return _run_event


async def _run(
    client: Any, bot: Bot, root: Root, enters: bool, coro: Any, event_name: str, args: Any, kwargs: Any
) -> None:
    if enters:
        enter(root.context_below())
    try:
        if getattr(coro, "__func__", None) is _OWN_ON_MESSAGE:
            await coro(*args, **kwargs)
        else:
            await _listen(bot, root, coro, args, kwargs)
    except asyncio.CancelledError:
        pass
    except Exception as error:
        fail_root(bot, root, error, event_name)
        with suppress(asyncio.CancelledError):
            await client.on_error(event_name, *args, **kwargs)
    finally:
        root.release()


async def _run_newer(
    original: Any,
    client: Any,
    bot: Bot,
    root: Root,
    enters: bool,
    coro: Any,
    event_name: str,
    args: Any,
    kwargs: Any,
) -> None:
    async def told(*args: Any, **kwargs: Any) -> Any:
        try:
            if getattr(coro, "__func__", None) is _OWN_ON_MESSAGE:
                return await coro(*args, **kwargs)
            return await _listen(bot, root, coro, args, kwargs)
        except Exception as error:
            fail_root(bot, root, error, event_name)
            raise

    if enters:
        root.enter()
    try:
        await original(client, told, event_name, *args, **kwargs)
    finally:
        root.release()


_OWN_ON_MESSAGE = BotBase.on_message
"""discord.py's own listener, which runs the commands: it gets no span of its own."""


async def _listen(bot: Bot, root: Root, coro: Any, args: Any, kwargs: Any) -> Any:
    """Run a listener under a span of its own."""
    span = _start(bot, root, coro)
    token = None if span is None else enter_span(span.visible)
    try:
        return await coro(*args, **kwargs)
    except Exception as error:
        if span is not None:
            span.fail(error)
        raise
    finally:
        if span is not None and token is not None:
            leave(token)
            try:
                span.end()
            except Exception:  # a processor's
                guard.failed("listener end")


def _start(bot: Bot, root: Root, coro: Any) -> Span | None:
    try:
        title, static = _listener_names(bot, coro)
        return ListenerSpan.start(title, static, root)
    except Exception:
        guard.failed("listener")
        return None


class ListenerSpan(Span):
    """A listener's span: nothing has happened only because somebody listened, so it waits for what its root does."""

    holder: Any = None

    @classmethod
    def start(cls, title: str, static: tuple[int, dict[str, Any]], root: Root) -> Span | None:
        """None where the root isn't recorded. The root is marked as touched by what happens under the span only."""
        touched = root.touched
        span = tracing.child(title, 0, static)
        root.touched = touched
        if span is not None and isinstance(root, EventRoot) and span.root is root:
            span.__class__ = cls
            span.holder = root  # type: ignore[attr-defined]
        return span

    def deliver(self) -> None:
        if self.holder is None:
            super().deliver()
        else:
            self.holder.hold_back(self)


def fail_root(bot: Bot, root: Root, error: BaseException, event_name: str) -> None:
    """An exception left the user's code: mark the root, and count it."""
    try:
        if not root.end_ns:
            root.touched = True
            root.fail(original_of(error))
        note(error, root=root, bot_name=bot.name)
        count_error(bot, event_name.removeprefix("on_"), error)
    except Exception:
        guard.failed("listener error")


def count_error(bot: Bot, event: str, error: BaseException) -> None:
    name = type_name(original_of(error))
    attributes = {semconv.BOT_NAME: bot.name, semconv.EVENT: event, semconv.ERROR_TYPE: name}
    counting(semconv.EVENT_ERRORS, attributes).add(1)


def wait_for(original: Any) -> Any:
    """`Client.wait_for`: the event that resolves it gets a root, and the span that waits a link to it."""

    def wait_for(self: Any, event: str, /, *, check: Any = None, timeout: float | None = None) -> Any:
        try:
            waiting = trace.get_current_span(), root_here()
            check = functools.partial(_checked, bot_of(self), event.lower(), *waiting, check)
        except Exception:
            guard.failed("wait_for")
        return original(self, event, check=check, timeout=timeout)

    return wait_for


def _checked(bot: Bot, event: str, waiting: trace.Span, root: Root | None, check: Any, *args: Any) -> Any:
    matched = True if check is None else check(*args)
    if matched:
        try:
            if root is not None:
                heard(root, args)
            _link(bot, event, waiting, args)
        except Exception:
            guard.failed("wait_for link")
    return matched


def _link(bot: Bot, event: str, waiting: trace.Span, args: tuple[Any, ...]) -> None:
    if bot.receiving is None:
        return
    root = bot.parse_root(f"on_{event}", args)
    root.touched = True
    if waiting.is_recording() and root.sampled:
        waiting.add_link(root.under.get_span_context(), {semconv.TASK_CAUSE: "wait_for"})


def _listener_names(bot: Bot, coro: Any) -> tuple[str, tuple[int, dict[str, Any]]]:
    name = getattr(coro, "__qualname__", None) or type(coro).__qualname__
    key = ("listener", name)
    found: tuple[str, tuple[int, dict[str, Any]]] | None = bot.cells.get(key)
    if found is None:
        found = (
            f"listener {name}",
            recorder.attribute_set({semconv.BOT_NAME: bot.name, semconv.LISTENER: name}),
        )
        bot.cells[key] = found
    return found
