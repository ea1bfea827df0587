"""Background jobs and their queues, as the bot's code tells of them."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.api.block import Block, outcome_of
from whisperwatch.bot.api.names import checked
from whisperwatch.bot.instrument.bots import Bot, any_bot, bots
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.current import enter, leave
from whisperwatch.bot.recording.numbers import number
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root

_KIND_CONSUMER = 4


class JobRoot(Root):
    """A job: always exported, and measured by its outcome, which is known at its end."""

    touched = True

    def __init__(self, bot: Bot, name: str) -> None:
        self.bot = bot
        self.job = name
        super().__init__(f"job {name}", _KIND_CONSUMER, _static(name, "ok"), self._measured_as("ok"))

    def _measured_as(self, outcome: str) -> Distribution:
        return self.bot.timed(semconv.JOB_DURATION, self.job, outcome)

    def end_with(self, outcome: str) -> None:
        self.static, self.duration = _static(self.job, outcome), self._measured_as(outcome)
        self.release()


class Job(Block):
    """A background job with a trace of its own."""

    __slots__ = ("_root", "_token")
    kind = "job"
    _root: JobRoot
    _token: Any

    def _begin(self) -> bool:
        bot = any_bot()
        if bot is None:
            return False
        starter = trace.get_current_span().get_span_context()
        root = self._root = JobRoot(bot, self._name)
        if starter.is_valid:
            root.add_link(starter, {semconv.TASK_CAUSE: "job"})
        root.hold()
        self._token = enter(root.context_below())
        return True

    def _end(self, error: BaseException | None) -> None:
        root = self._root
        del self._root  # nobody is to hold it any more
        leave(self._token)
        if isinstance(error, Exception):
            root.fail(error)
            note(error, component="tasks", root=root, bot_name=root.bot.name)
        root.end_with(outcome_of(error))


def job(name: str) -> Job:
    """A background job: a trace of its own, linked to what started it, and `bot.job.duration` by outcome.

    The name is a text of 1 to 100 characters.
    """
    return Job(checked("job", name))


def queue_depth(queue: str, depth: float) -> None:
    """How much waits in the queue of this name now: `bot.queue.depth`. What is no finite number is said once, and left
    out."""
    if bots:
        if checked("queue_depth", queue) is None:
            return
        try:
            bot = any_bot()
            if bot is not None:
                if (value := number(depth)) is None:
                    guard.mistaken("queue_depth", "the depth is a finite number")
                else:
                    bot.counted(semconv.QUEUE_DEPTH, queue).set(value)
        except Exception:
            guard.failed(semconv.QUEUE_DEPTH.name)


def _static(name: str, outcome: str) -> tuple[int, dict[str, Any]]:
    return recorder.attribute_set({semconv.JOB: name, semconv.OUTCOME: outcome})
