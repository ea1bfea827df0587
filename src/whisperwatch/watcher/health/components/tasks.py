"""Background tasks: loops that fail or are overdue, jobs that fail, queues that grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.health.report import Part, Status
from whisperwatch.watcher.health.trends import Recent

from .scene import Calls, Scene, by, not_configured, seconds

_JOBS: Final = ("bot.job.duration", "bot.jobs.duration")
_QUEUES: Final = ("bot.queue.depth", "bot.job.queue.depth")
METRICS: Final = (semconv.TASK_DURATION.name, *_JOBS)
_OVERDUE_S: Final = 60.0
_LONG: Final = 1000


def judge(scene: Scene) -> list[Part]:
    """A part for each loop that did something or is overdue, each kind of job, and each queue."""
    parts = [*_loops(scene), *_overdue(scene), *_jobs(scene), *_queues(scene)]
    if parts:
        return parts
    known = scene.trends.seen(semconv.TASK_DURATION.name) or scene.trends.latest(semconv.TASK_NEXT_RUN.name)
    if known:
        return [Part("no background task", "healthy", "was due in the last 5 minutes")]
    return not_configured("no tasks.loop, job or queue has been seen")


def _loops(scene: Scene) -> Iterator[Part]:
    for name, recents in by(scene.trends.recent(semconv.TASK_DURATION.name, scene.now), semconv.TASK).items():
        failed = sum(int(r.count) for r in recents if r.attributes.get(semconv.OUTCOME) == "failure")
        yield _runs(f"the loop {name}:", recents, failed)


def _jobs(scene: Scene) -> Iterator[Part]:
    for metric in _JOBS:
        for name, recents in by(scene.trends.recent(metric, scene.now), "bot.job.name", "job").items():
            failed = sum(int(r.count) for r in recents if _failed(r))
            yield _runs(f"the job {name}:".replace(" :", ":"), recents, failed)


def _runs(name: str, recents: list[Recent], failed: int) -> Part:
    told = Calls.of(recents)
    calls = Calls(told.count, failed, told.errors, told.p50_s, told.p95_s)
    status: Status = calls.status()
    if failed and failed == calls.count:
        status = "unhealthy"
    elif failed and status == "healthy":
        status = "degraded"
    return Part(name, status, calls.text(), calls.numbers())


def _overdue(scene: Scene) -> Iterator[Part]:
    for attributes, delay in scene.trends.latest(semconv.TASK_NEXT_RUN.name):
        if delay < -_OVERDUE_S:
            name = f"the next run of {attributes.get(semconv.TASK)}"
            yield Part(name, "degraded", f"is overdue by {seconds(-delay)}", {"overdue_s": round(-delay, 1)})


def _queues(scene: Scene) -> Iterator[Part]:
    for metric in _QUEUES:
        for attributes, depth in scene.trends.latest(metric):
            name = next((str(v) for k, v in attributes.items() if "queue" in k), "")
            status: Status = "degraded" if depth >= _LONG else "healthy"
            yield Part(f"the queue {name}".strip(), status, f"holds {depth:.0f} jobs", {"depth": depth})


def _failed(one: Recent) -> bool:
    return semconv.ERROR_TYPE in one.attributes or one.attributes.get(semconv.OUTCOME) == "failure"
