"""Work that discord.py starts by itself: each run of a `tasks.loop`, and a view's timeout, is a root of its own."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import Bot, any_bot
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.events import count_error
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.recording.current import enter, leave
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root

_OUTCOMES = ("ok", "failure", "cancelled")


class TaskCells:
    """What one `tasks.loop` is measured by."""

    __slots__ = ("durations", "name", "next_run", "statics")

    def __init__(self, bot_name: str, name: str) -> None:
        attributes = {semconv.BOT_NAME: bot_name, semconv.TASK: name}
        self.name = name
        self.next_run = counting(semconv.TASK_NEXT_RUN, attributes)
        self.statics = {o: recorder.attribute_set({**attributes, semconv.OUTCOME: o}) for o in _OUTCOMES}
        self.durations = {
            o: timing(semconv.TASK_DURATION, {**attributes, semconv.OUTCOME: o}) for o in _OUTCOMES
        }


class TaskRoot(Root):
    """A run of a `tasks.loop`: always exported, and measured by its outcome, which is known at its end."""

    touched = True

    def __init__(self, bot: Bot | None, cells: TaskCells) -> None:
        self.bot = bot
        super().__init__(f"task {cells.name}", 0, cells.statics["ok"], cells.durations["ok"])

    def end_with(self, cells: TaskCells, outcome: str) -> None:
        self.duration, self.static = cells.durations[outcome], cells.statics[outcome]
        self.release()


class Run:
    """A `tasks.loop` from its start to its end."""

    def __init__(self, loop: Any, owner: Any) -> None:
        self.loop = loop
        self.owner = owner
        self.bot = any_bot(owner)
        self.name: str = loop.coro.__qualname__
        self.task = asyncio.current_task()

    @property
    def cells(self) -> TaskCells:
        bot = self.bot = self.bot or any_bot(self.owner)
        kept = _unowned if bot is None or bot.known_name is None else bot.cells
        cells: TaskCells | None = kept.get(("task", self.name))
        if cells is None:
            cells = kept["task", self.name] = TaskCells("unknown" if bot is None else bot.name, self.name)
        return cells


def loop(original: Any) -> Any:
    """`Loop._loop`: the task of a `tasks.loop`. Nothing that was current where it was started stays so."""

    async def _loop(self: Any, *args: Any, **kwargs: Any) -> None:
        plain = self.coro
        run = None
        try:
            run = Run(self, args[0] if args else None)  # its cog comes first, or what `start` was given
            enter(Context())
            self.coro = _watched(run, getattr(plain, "_whisperwatch_plain", plain))
            running.add(run)
        except Exception:
            guard.failed("tasks.loop")
        try:
            await original(self, *args, **kwargs)
        finally:
            self.coro = plain
            running.discard(run)

    return _loop


def _watched(run: Run, plain: Any) -> Any:
    """The loop's coroutine function while it runs: a root for each call by discord.py. A call by somebody else
    (`await loop()`), or by a copy of the loop that was made meanwhile, is none of the loop's runs."""

    @functools.wraps(plain)
    async def coro(*args: Any, **kwargs: Any) -> Any:
        if asyncio.current_task() is not run.task or run not in running:  # `uninstrument()` has emptied it
            return await plain(*args, **kwargs)
        try:
            cells = run.cells
            root = TaskRoot(run.bot, cells)
        except Exception:
            guard.failed("task run")
            return await plain(*args, **kwargs)
        root.hold()
        token = enter(root.context_below())
        outcome = "ok"
        try:
            return await plain(*args, **kwargs)
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except BaseException as raised:
            outcome = "failure"
            _failed(run, root, raised)
            raise
        finally:
            leave(token)
            try:
                root.end_with(cells, outcome)
            except Exception:
                guard.failed("task end")

    coro._whisperwatch_plain = plain  # type: ignore[attr-defined]
    return coro


def _failed(run: Run, root: TaskRoot, error: BaseException) -> None:
    try:
        root.fail(error)
        note(error, component="tasks", root=root, bot_name=None if run.bot is None else run.bot.name)
        if run.bot is not None:
            count_error(run.bot, "task", error)
    except Exception:
        guard.failed("task end")


running: set[Run | None] = set()
"""The loops that run now, for the gauge of their next run."""
_unowned: dict[Any, TaskCells] = {}


def read_next_runs() -> None:
    """Collect the time until each loop's next run, in seconds."""
    for run in list(running):
        if run is not None and run.loop.next_iteration is not None:
            run.cells.next_run.set(run.loop.next_iteration.timestamp() - time.time())


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
        own = self.__dict__.get("on_timeout")
        root.hold()
        token = enter(root.context_below())
        self.__dict__["on_timeout"] = functools.partial(_timeout, self.on_timeout, root)
        try:
            original(self)  # makes a task of `self.on_timeout()`
        finally:
            leave(token)
            if own is None:
                del self.__dict__["on_timeout"]
            else:
                self.__dict__["on_timeout"] = own
            root.release()

    return _dispatch_timeout


class TimeoutRoot(Root):
    """A view's `on_timeout`."""

    touched = True
    bot: Bot


def _timeout_root(view: Any) -> TimeoutRoot | None:
    if (getattr(view.on_timeout, "__module__", None) or "").startswith("discord.") or view.is_finished():
        return None
    bot = any_bot()
    if bot is None:
        return None
    cells = bot.event_cells("view_timeout")
    root = TimeoutRoot(f"view timeout {type(view).__name__}", 0, cells.static, cells.duration)
    root.bot = bot
    maker = trace.get_current_span().get_span_context()
    if maker.is_valid:
        root.add_link(maker, {semconv.TASK_CAUSE: "view_timeout"})
    return root


def _timeout(plain: Any, root: TimeoutRoot) -> Any:
    root.hold()
    return _run_timeout(plain, root)


async def _run_timeout(plain: Any, root: TimeoutRoot) -> None:
    try:
        await plain()
    except Exception as error:
        try:
            root.fail(error)
            note(error, root=root, bot_name=root.bot.name)
            count_error(root.bot, "view_timeout", error)
        except Exception:
            guard.failed("view timeout error")
        raise
    finally:
        root.release()
