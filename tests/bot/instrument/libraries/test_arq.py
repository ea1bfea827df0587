"""arq with a real Redis: who enqueues a job, who runs it, and how it ends.

arq wants redis-py before 6, the demo a newer one: these run in an environment of their own (`.ci/run`).
"""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from opentelemetry import trace

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries.registry import registry

arq = pytest.importorskip("arq")

from arq import connections  # noqa: E402
from arq import worker as workers  # noqa: E402

from whisperwatch.bot.instrument.libraries import arq as watched  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # arq's, of redis-py and of asyncio
SECRET = "a secret of ada's"
tracer = trace.get_tracer("bot")


async def remember(ctx, text):
    with tracer.start_as_current_span("work"):
        return text


async def fail(ctx):
    raise ValueError(SECRET)


async def retry(ctx):
    if ctx["job_try"] == 1:
        raise arq.Retry


async def hang(ctx):
    await asyncio.Event().wait()


@pytest.fixture
async def pool(records, redis_url):
    opened = await arq.create_pool(arq.connections.RedisSettings.from_dsn(redis_url))
    await opened.flushall()
    yield opened
    await opened.aclose()


@pytest.fixture
def work(pool):
    """Runs all jobs that are on the queue."""

    async def run(**options):
        functions = [remember, fail, retry, arq.worker.func(hang, timeout=0.05)]
        worker = workers.Worker(
            functions, redis_pool=pool, burst=True, poll_delay=0.01, handle_signals=False, **options
        )
        await worker.async_run()
        return worker

    return run


def shown(records):
    """Spans of jobs and what is below them, without those of Redis."""
    return [span for span in records.spans() if semconv.DB_SYSTEM not in span]


ABOUT = {"messaging.system": "arq", "messaging.destination.name": "arq:queue"}


def has(span, attributes):
    return {key: span.get(key) for key in attributes} == attributes


async def test_a_job_is_a_root_with_a_link_to_who_enqueued_it(pool, work, records):
    with tracer.start_as_current_span("command"):
        job = await pool.enqueue_job("remember", SECRET)
    links = []
    await work()
    for record in records.recorder.spans:
        links += [(record[5], link[0], link[1]) for link in record[14] or ()]
    spans = {span["name"]: span for span in shown(records)}
    assert await job.result(timeout=1) == SECRET
    enqueued, run = spans["enqueue remember"], spans["job remember"]
    assert (enqueued["kind"], run["kind"]) == (3, 4)
    assert enqueued["parent"] == spans["command"]["id"]
    assert run["parent"] == 0
    assert spans["work"]["parent"] == run["id"]
    assert links == [("job remember", enqueued["trace"], enqueued["id"])]
    assert has(enqueued, {**ABOUT, "bot.job.name": "remember"})
    assert has(run, {**ABOUT, "bot.job.name": "remember", "outcome": "ok"})
    assert "secret" not in json.dumps(list(spans.values()))
    assert records.cells(semconv.JOB_DURATION) == {("unknown", "remember", "ok"): 1}
    assert records.cells(semconv.JOB_WAIT) == {
        (
            "unknown",
            "remember",
        ): 1
    }
    assert records.cells(semconv.JOBS_ENQUEUED) == {
        (
            "unknown",
            "remember",
        ): 1
    }


@pytest.mark.parametrize(
    ("name", "outcomes", "error"),
    [
        ("fail", {"failure": 1}, "ValueError"),
        ("retry", {"retried": 1, "ok": 1}, None),
        ("hang", {"failure": 1}, "TimeoutError"),
        ("nowhere", {"failure": 1}, None),
    ],
)
async def test_how_a_job_ends(pool, work, records, caplog, name, outcomes, error):
    caplog.set_level(logging.CRITICAL, "arq.worker")
    await pool.enqueue_job(name)
    await work()
    runs = [span for span in shown(records) if span["name"] == f"job {name}"]
    assert [span.get("error.type") for span in runs if span["failed"]] == ([error] if error else [])
    assert records.cells(semconv.JOB_DURATION) == {
        ("unknown", name, how): count for how, count in outcomes.items()
    }
    assert "secret" not in json.dumps(runs)


async def test_a_job_that_is_aborted(pool, work, records):
    job = await pool.enqueue_job("hang", _job_id="mine")
    worker = workers.Worker(
        [hang], redis_pool=pool, burst=True, poll_delay=0.01, handle_signals=False, allow_abort_jobs=True
    )
    running = asyncio.create_task(worker.async_run())
    while "mine" not in worker.job_tasks:  # noqa: ASYNC110 - arq tells nobody
        await asyncio.sleep(0.01)
    await pool.zadd("arq:abort", {"mine": 1e15})
    await asyncio.wait_for(running, 10)
    assert job is not None
    assert records.cells(semconv.JOB_DURATION) == {("unknown", "hang", "cancelled"): 1}


async def test_a_job_that_is_there_already_is_not_counted(pool, records):
    assert await pool.enqueue_job("remember", SECRET, _job_id="mine") is not None
    assert await pool.enqueue_job("remember", SECRET, _job_id="mine") is None
    assert records.cells(semconv.JOBS_ENQUEUED) == {
        (
            "unknown",
            "remember",
        ): 1
    }


async def test_a_worker_that_is_not_watched_reads_the_job_and_the_other_way_round(pool, work, records):
    job = await pool.enqueue_job("remember", SECRET)
    registry.undo()
    await work()
    assert await job.result(timeout=1) == SECRET
    job = await pool.enqueue_job("remember", SECRET)
    registry.apply()
    await work()
    assert await job.result(timeout=1) == SECRET
    assert records.cells(semconv.JOB_DURATION) == {("unknown", "remember", "ok"): 1}


async def test_a_serializer_that_will_not_have_the_context_gets_the_job_without(records, redis_url):
    def strict(job):
        assert job.keys() <= {"t", "f", "a", "k", "et"}
        return json.dumps(job).encode()

    settings = connections.RedisSettings.from_dsn(redis_url)
    pool = await arq.create_pool(settings, job_serializer=strict, job_deserializer=json.loads)
    await pool.flushall()
    assert await pool.enqueue_job("remember", SECRET)
    ((payload),) = [await pool.get(key) for key in await pool.keys("arq:job:*")]
    assert json.loads(payload)["a"] == [SECRET]
    await pool.aclose()


async def test_what_cannot_be_enqueued_raises_arqs_own(pool, records):
    with pytest.raises(arq.jobs.SerializationError):
        await pool.enqueue_job("remember", lambda: None)
    (span,) = shown(records)
    assert span["error.type"] == "arq.jobs.SerializationError"
    assert records.cells(semconv.JOBS_ENQUEUED) == {}


async def test_hooks_that_break_change_nothing(pool, work, records, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    for owner, broken in ((watched, "_name"), (watched, "_about"), (watched.JobRoot, "_judge")):
        monkeypatch.setattr(owner, broken, None)
        job = await pool.enqueue_job("remember", SECRET)
        await work()
        assert await job.result(timeout=1) == SECRET
        monkeypatch.undo()
        monkeypatch.setattr(guard, "strict", False)
        assert guard.counts
        guard.counts.clear()


async def test_undone_it_is_arq_as_it_was(pool, records):
    registry.undo()
    for function in (connections.ArqRedis.enqueue_job, connections.serialize_job, workers.Worker.run_job):
        assert "whisperwatch" not in function.__code__.co_filename
    await pool.enqueue_job("remember", SECRET)
    assert shown(records) == []
