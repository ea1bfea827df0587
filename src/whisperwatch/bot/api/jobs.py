"""Background jobs and their queues, as the bot's code tells of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.api.names import checked
from whisperwatch.bot.instrument.bots import Bot, any_bot, bots
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.measures import timing
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.current import enter, leave
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root

_KIND_CONSUMER = 4
Function = TypeVar("Function", bound=Callable[..., Any])


class JobRoot(Root):
    """A job: always exported, and measured by its outcome, which is known at its end."""

    touched = True

    def __init__(self, bot: Bot, name: str) -> None:
        self.bot = bot
        self.job = name
        super().__init__(f"job {name}", _KIND_CONSUMER, _static(name, "ok"), _duration(name, "ok"))

    def end_with(self, outcome: str) -> None:
        self.static, self.duration = _static(self.job, outcome), _duration(self.job, outcome)
        self.release()


class Job:
    """A `with` or `async with` block, or a decorator of a function or coroutine function (each call is one)."""

    __slots__ = ("_name", "_root", "_token")

    def __init__(self, name: str) -> None:
        self._name = name
        self._root: JobRoot | None = None
        self._token: Any = None

    def __enter__(self) -> Job:
        if bots:
            try:
                self._begin()
            except Exception:
                guard.failed("job")
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if self._root is not None:
            try:
                self._end(self._root, error)
            except Exception:
                guard.failed("job end")

    async def __aenter__(self) -> Job:
        return self.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Function) -> Function:
        name = self._name
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with Job(name):
                    return await function(*args, **kwargs)

            return run_async  # type: ignore[return-value]

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with Job(name):
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    def _begin(self) -> None:
        bot = any_bot()
        if bot is None:
            return
        starter = trace.get_current_span().get_span_context()
        root = JobRoot(bot, self._name)
        if starter.is_valid:
            root.add_link(starter, {semconv.TASK_CAUSE: "job"})
        root.hold()
        self._token = enter(root.context_below())
        self._root = root

    def _end(self, root: JobRoot, error: BaseException | None) -> None:
        self._root = None
        leave(self._token)
        if isinstance(error, Exception):
            root.fail(error)
            note(error, component="tasks", root=root, bot_name=root.bot.name)
        root.end_with("ok" if error is None else "failure" if isinstance(error, Exception) else "cancelled")


def job(name: str) -> Job:
    """A background job: a trace of its own, linked to what started it, and `bot.job.duration` by outcome.

    Raises:
        TypeError, ValueError: the name is no text of 1 to 100 characters.
    """
    return Job(checked("a job", name))


def queue_depth(queue: str, depth: float) -> None:
    """How much waits in the queue of this name now: `bot.queue.depth`."""
    if bots:
        checked("a queue", queue)
        try:
            bot = any_bot()
            if bot is not None:
                bot.counted(semconv.QUEUE_DEPTH, queue).set(depth)
        except Exception:
            guard.failed(semconv.QUEUE_DEPTH.name)


def _static(name: str, outcome: str) -> tuple[int, dict[str, Any]]:
    return recorder.attribute_set({semconv.JOB: name, semconv.OUTCOME: outcome})


def _duration(name: str, outcome: str) -> Distribution:
    return timing(semconv.JOB_DURATION, {semconv.JOB: name, semconv.OUTCOME: outcome})
