"""Background tasks: loops that fail or are overdue, jobs that fail, queues that grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whisperwatch import semconv
from whisperwatch.watcher.health.report import Part, Status
from whisperwatch.watcher.health.trends import Recent

from .scene import Calls, Scene, by, not_configured, seconds

METRICS: Final = (semconv.TASK_DURATION.name, semconv.JOB_DURATION.name)
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
        yield _runs(f"the loop {name}:", recents, _failed(recents))


def _jobs(scene: Scene) -> Iterator[Part]:
    for name, recents in by(scene.trends.recent(semconv.JOB_DURATION.name, scene.now), semconv.JOB).items():
        yield _runs(f"the job {name}:", recents, _failed(recents))


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
    for attributes, depth in scene.trends.latest(semconv.QUEUE_DEPTH.name):
        status: Status = "degraded" if depth >= _LONG else "healthy"
        yield Part(
            f"the queue {attributes.get(semconv.QUEUE)}", status, f"holds {depth:.0f} jobs", {"depth": depth}
        )


def _failed(recents: list[Recent]) -> int:
    return sum(int(one.count) for one in recents if one.attributes.get(semconv.OUTCOME) == "failure")
