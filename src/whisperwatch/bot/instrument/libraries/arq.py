"""arq: a job that is put on a queue, and its run by a worker, which is a root with a link to who put it there.

A job's payload is a mapping that arq reads by key, so the trace's context goes in it under a key of its own: workers
that don't know the key, watched or not, read the job as ever. A serializer that won't have it gets the job without.
Read at 0.26 to 0.28.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import Any

from arq import connections, worker
from opentelemetry.trace import SpanContext, TraceFlags

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import name_of_bot
from whisperwatch.bot.instrument.errors.counting import note
from whisperwatch.bot.instrument.libraries.calls import ended, suppressed
from whisperwatch.bot.instrument.libraries.library import Undo
from whisperwatch.bot.instrument.libraries.nesting import NestingCall
from whisperwatch.bot.instrument.libraries.patching import LibraryPatches
from whisperwatch.bot.instrument.measures import counting, timing
from whisperwatch.bot.instrument.patches import Patch
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.current import ROOT_KEY, SPAN_KEY, enter, leave, read
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root

KEY = "traceparent"
"""Of the payload's own: `t`, `f`, `a`, `k`, `et` are arq's."""
_MOST_JOBS = 100
_patches = LibraryPatches("arq")
_names: set[str] = set()


def apply() -> Undo:
    """Patch the client and the worker."""
    _patches.apply([
        Patch(connections.ArqRedis, "enqueue_job", enqueue_job),
        Patch(connections, "serialize_job", serialize_job),
        Patch(worker, "deserialize_job_raw", deserialize_job_raw),
        Patch(worker.Worker, "run_job", run_job),
    ])  # fmt: skip
    return _patches.undo


def _name(function: Any) -> str:
    name = str(function)
    if name not in _names:
        if len(_names) >= _MOST_JOBS:
            return "other"
        _names.add(name)
    return name


class Enqueueing(NestingCall):
    """A job on its way to the queue."""

    kind_number = 3
    component = "tasks"
    enqueued = True
    """False where a job of that id was there already."""

    def __init__(self, job: str, queue: str) -> None:
        self.job = job
        self.title = f"enqueue {job}"
        self.static = recorder.attribute_set(_about(job, queue))
        self.begin()

    def settle(self) -> None:
        if self.error is None and self.enqueued:
            counting(
                semconv.JOBS_ENQUEUED, {semconv.BOT_NAME: name_of_bot(self.root), semconv.JOB: self.job}
            ).add(1)
        if self.recorded:
            self.deliver()


def _about(job: str, queue: str) -> dict[str, Any]:
    return {semconv.JOB: job, semconv.MESSAGING_SYSTEM: "arq", semconv.MESSAGING_QUEUE: queue}


def enqueue_job(original: Any) -> Any:
    """`ArqRedis.enqueue_job`."""

    async def enqueue_job(self: Any, function: str, *args: Any, **kwargs: Any) -> Any:
        try:
            if not _patches.on or suppressed():
                return await original(self, function, *args, **kwargs)
            call = Enqueueing(_name(function), str(kwargs.get("_queue_name") or self.default_queue_name))
        except Exception:
            guard.failed("arq enqueue")
            return await original(self, function, *args, **kwargs)
        token = call.enter()
        try:
            job = await original(self, function, *args, **kwargs)
        except BaseException as error:
            ended(call, error)
            raise
        finally:
            call.leave(token)
        call.enqueued = job is not None
        ended(call)
        return job

    return enqueue_job


def serialize_job(original: Any) -> Any:
    """`serialize_job`, as the client calls it: with a serializer that adds the trace's context."""

    def serialize_job(*args: Any, serializer: Any = None, **kwargs: Any) -> Any:
        parent = _traceparent()
        if parent is None:
            return original(*args, serializer=serializer, **kwargs)
        plain = serializer or pickle.dumps

        def serialize(job: Any) -> Any:
            try:
                return plain({**job, KEY: parent})
            except Exception:  # it won't have the key, or the job: then arq shall hear that from itself
                return plain(job)

        return original(*args, serializer=serialize, **kwargs)

    return serialize_job


def _traceparent() -> str | None:
    try:
        span: Any = read().get(SPAN_KEY)
        context = None if span is None or not _patches.on else span.get_span_context()
        if context is None or not context.is_valid:
            return None
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    except Exception:
        guard.failed("arq context")
        return None


def deserialize_job_raw(original: Any) -> Any:
    """`deserialize_job_raw`, as the worker calls it: tells the run which job it is, and who enqueued it."""

    def deserialize_job_raw(payload: Any, *, deserializer: Any = None) -> Any:
        root = read().get(ROOT_KEY)
        if not isinstance(root, JobRoot):
            return original(payload, deserializer=deserializer)
        plain = deserializer or pickle.loads

        def deserialize(raw: Any) -> Any:
            job = plain(raw)
            try:
                root.read(job)
            except Exception:
                guard.failed("arq job")
            return job

        return original(payload, deserializer=deserialize)

    return deserialize_job_raw


class JobRoot(Root):
    """One run of a job: always exported, and measured by its outcome, which is known at its end."""

    touched = True
    task: asyncio.Task[Any] | None = None
    """The bot's own function at work."""
    job = "unknown"
    broken: BaseException | None = None
    """What the worker itself raised, not the job."""

    def __init__(self, queue: str, due_ms: int) -> None:
        self.queue = queue
        self.bot_name = name_of_bot()
        self.late_s = max(0.0, time.time() - due_ms / 1000)
        static = recorder.attribute_set(_about(self.job, queue))
        super().__init__("job unknown", 4, static, self._measured_as("ok"))

    def _measured_as(self, outcome: str) -> Distribution:
        return timing(semconv.JOB_DURATION, {**self._whose, semconv.OUTCOME: outcome})

    @property
    def _whose(self) -> dict[str, Any]:
        return {semconv.BOT_NAME: self.bot_name, semconv.JOB: self.job}

    def read(self, job: Any) -> None:
        """The job's payload: its function's name, and the context of who enqueued it."""
        self.job = _name(job["f"])
        self.title = f"job {self.job}"
        parts = str(job.get(KEY) or "").split("-")
        if len(parts) == 4:
            flags = TraceFlags(int(parts[3], 16))
            self.add_link(SpanContext(int(parts[1], 16), int(parts[2], 16), True, flags))

    def over(self, worker: Any) -> None:
        """The run has ended: how, the task tells, for arq swallows what it raised."""
        outcome = self._judge(worker)
        self.static = recorder.attribute_set(_about(self.job, self.queue) | {semconv.OUTCOME: outcome})
        self.duration = self._measured_as(outcome)
        timing(semconv.JOB_WAIT, self._whose).record(self.late_s)
        self.release()

    def _judge(self, worker: Any) -> str:
        task = self.task
        if self.broken is not None:
            self.fail(self.broken)
            return "cancelled" if isinstance(self.broken, asyncio.CancelledError) else "failure"
        if task is None:  # expired, unknown, unreadable, tried too often
            return "failure"
        if task.cancelled():
            if not self._timed_out(worker):
                return "cancelled"
            self.fail(TimeoutError())
            return "failure"
        error = task.exception() if task.done() else None
        if error is None:
            return "ok"
        if isinstance(error, _RETRIES):
            return "retried"
        self.fail(error)
        note(error, component="tasks", root=self)
        return "failure"

    def _timed_out(self, worker: Any) -> bool:
        timeout = getattr(worker.functions.get(self.job), "timeout_s", None) or worker.job_timeout_s
        return bool((recorder.clock.now() - self.start_ns) / 1e9 >= timeout)


_RETRIES = (worker.Retry, worker.RetryJob)


class _Tasks(dict[str, Any]):
    """A worker's `job_tasks`, which tells the run of its task: nobody else ever sees what the task raises."""

    def __setitem__(self, job_id: str, task: Any) -> None:
        super().__setitem__(job_id, task)
        root = read().get(ROOT_KEY)
        if isinstance(root, JobRoot):
            root.task = task


def run_job(original: Any) -> Any:
    """`Worker.run_job`, which runs in a task of its own."""

    async def run_job(self: Any, job_id: str, score: int, *args: Any, **kwargs: Any) -> Any:
        try:
            if not _patches.on:
                return await original(self, job_id, score, *args, **kwargs)
            if type(self.job_tasks) is dict:
                self.job_tasks = _Tasks(self.job_tasks)
            root = JobRoot(str(self.queue_name), score)
        except Exception:
            guard.failed("arq run")
            return await original(self, job_id, score, *args, **kwargs)
        root.hold()
        token = enter(root.context_below())
        try:
            return await original(self, job_id, score, *args, **kwargs)
        except BaseException as error:
            root.broken = error
            raise
        finally:
            leave(token)
            try:
                root.over(self)
            except Exception:
                guard.failed("arq run end")
            root.task = root.broken = None  # they hold what the job held

    return run_job
