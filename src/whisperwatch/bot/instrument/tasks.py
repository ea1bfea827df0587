"""Work that discord.py starts by itself: each run of a `tasks.loop`, and a view's timeout, is a root of its own."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation import _SPAN_KEY

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, any_bot
from whisperwatch.bot.instrument.events import count_error
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, current_root

_OUTCOMES = ("ok", "failure", "cancelled")


class TaskCells:
    """What one `tasks.loop` is measured by."""

    __slots__ = ("durations", "name", "next_run", "statics")

    def __init__(self, bot_name: str, name: str) -> None:
        attributes = {semconv.BOT_NAME: bot_name, semconv.TASK: name}
        self.name = name
        self.next_run = counting(semconv.TASK_NEXT_RUN, attributes)
        self.statics = {o: recorder.attribute_set({**attributes, semconv.OUTCOME: o}) for o in _OUTCOMES}
        self.durations = {o: timing(semconv.TASK_DURATION, {**attributes, semconv.OUTCOME: o}) for o in _OUTCOMES}


class TaskRoot(Root):
    """A run of a `tasks.loop`: always exported, and measured by its outcome, which is known at its end."""

    touched = True

    def __init__(self, cells: TaskCells) -> None:
        super().__init__(f"task {cells.name}", 0, cells.statics["ok"], cells.durations["ok"])

    def end_with(self, cells: TaskCells, outcome: str, error: BaseException | None) -> None:
        self.duration, self.static = cells.durations[outcome], cells.statics[outcome]
        if outcome == "failure" and error is not None:
            self.fail(error)
        self.release()


def loop(original: Any) -> Any:
    """`Loop._loop`: the task of a `tasks.loop`. Nothing that was current where it was started stays so."""

    async def _loop(self: Any, *args: Any, **kwargs: Any) -> None:
        plain = self.coro
        try:
            attach(Context())
            current_root.set(None)
            bot = any_bot(self._injected if self._injected is not None else (args[0] if args else None))
            self.coro = _Runs(bot, plain, self)
        except Exception:
            guard.failed("tasks.loop")
        try:
            await original(self, *args, **kwargs)
        finally:
            self.coro = plain
            running.discard(self)

    return _loop


class _Runs:
    """The loop's coroutine function while it runs: a root for each call."""

    def __init__(self, bot: Bot | None, coro: Any, owner: Any) -> None:
        functools.update_wrapper(self, coro)
        self.bot = bot
        self.coro = coro
        running.add(owner)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            cells, root = self._begin()
        except Exception:
            guard.failed("task run")
            return await self.coro(*args, **kwargs)
        root.hold()
        outer, token = current_root.set(root), attach(Context({_SPAN_KEY: root.under}))
        outcome, error = "ok", None
        try:
            return await self.coro(*args, **kwargs)
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except BaseException as raised:
            outcome, error = "failure", raised
            raise
        finally:
            detach(token)
            current_root.reset(outer)
            self._end(root, cells, outcome, error)

    def _begin(self) -> tuple[TaskCells, TaskRoot]:
        if self.bot is None:
            self.bot = any_bot()
        name = self.coro.__qualname__
        key = ("task", name)
        cells_by_key = _unowned if self.bot is None else self.bot.cells
        cells: TaskCells | None = cells_by_key.get(key)
        if cells is None:
            cells = cells_by_key[key] = TaskCells("unknown" if self.bot is None else self.bot.name, name)
        return cells, TaskRoot(cells)

    def _end(self, root: TaskRoot, cells: TaskCells, outcome: str, error: BaseException | None) -> None:
        try:
            root.end_with(cells, outcome, error)
            if error is not None and self.bot is not None:
                count_error(self.bot, "task", error)
        except Exception:
            guard.failed("task end")


running: set[Any] = set()
"""The loops that run now, for the gauge of their next run."""
_unowned: dict[Any, TaskCells] = {}


def read_next_runs() -> None:
    """Collect the time until each loop's next run, in seconds."""
    for owner in list(running):
        runs = owner.coro
        if isinstance(runs, _Runs) and runs.bot is not None and owner.next_iteration is not None:
            cells = runs.bot.cells.get(("task", runs.coro.__qualname__))
            if cells is not None:
                cells.next_run.set(owner.next_iteration.timestamp() - time.time())


def view_timeout(original: Any) -> Any:
    """`View._dispatch_timeout`: `on_timeout` runs as a root, linked to what made the view."""

    def _dispatch_timeout(self: Any) -> None:
        root = None
        try:
            root = _timeout_root(self)
        except Exception:
            guard.failed("view timeout")
        if root is None:
            original(self)
            return
        root.hold()
        outer, token = current_root.set(root), attach(Context({_SPAN_KEY: root.under}))
        try:
            original(self)
        finally:
            detach(token)
            current_root.reset(outer)
            root.release()

    return _dispatch_timeout


def _timeout_root(view: Any) -> Root | None:
    if type(view).on_timeout.__module__.startswith("discord."):
        return None
    bot = any_bot()
    if bot is None:
        return None
    name = f"view timeout {type(view).__name__}"
    cells = bot.event_cells("view_timeout")
    root = Root(name, 0, cells.static, cells.duration)
    root.touched = True
    maker = trace.get_current_span().get_span_context()
    if maker.is_valid:
        root.add_link(maker, {semconv.TASK_CAUSE: "view_timeout"})
    _hold_during(view, root, bot)
    return root


def _hold_during(view: Any, root: Root, bot: Bot) -> None:
    """discord.py calls `view.on_timeout()` to make a task of it: from there to its end the root is held."""
    plain = view.on_timeout

    def on_timeout() -> Any:
        root.hold()
        return _timeout(plain, root, bot)

    view.on_timeout = on_timeout


async def _timeout(plain: Any, root: Root, bot: Bot) -> None:
    try:
        await plain()
    except Exception as error:
        root.fail(error)
        count_error(bot, "view_timeout", error)
        raise
    finally:
        root.release()
