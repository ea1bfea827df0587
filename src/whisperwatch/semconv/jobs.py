"""Background jobs: what a bot leaves for a worker to do later."""

from __future__ import annotations

from whisperwatch.semconv.attributes import BOT_NAME, ERROR_TYPE, OUTCOME
from whisperwatch.semconv.model import SECONDS, Attribute, Metric, SpanName

JOB = "bot.job.name"
MESSAGING_SYSTEM = "messaging.system"
MESSAGING_QUEUE = "messaging.destination.name"

JOB_ATTRIBUTES = (
    Attribute(
        JOB,
        "The job's name, as the bot's code gives it; of arq the function that it calls, `other` after the first "
        "hundred, `unknown` where it was not read.",
    ),
    Attribute(MESSAGING_SYSTEM, "What carries the job.", ("arq",)),
    Attribute(MESSAGING_QUEUE, "The queue."),
)

JOB_DURATION = Metric(
    "bot.job.duration", "histogram", "s",
    "Time that one run of a job took; `retried` is a run that is to be repeated.", (BOT_NAME, JOB, OUTCOME), SECONDS,
)  # fmt: skip
JOB_WAIT = Metric(
    "bot.job.wait.duration", "histogram", "s",
    "How long after the time that it was due a job was started.", (BOT_NAME, JOB), SECONDS,
)  # fmt: skip
JOBS_ENQUEUED = Metric(
    "bot.job.enqueued", "counter", "{job}", "Jobs that were put on a queue.", (BOT_NAME, JOB)
)

SPAN_ENQUEUE = SpanName(
    "enqueue {job}",
    "producer",
    "A job that is put on a queue.",
    (JOB, MESSAGING_SYSTEM, MESSAGING_QUEUE, ERROR_TYPE),
)
SPAN_JOB = SpanName(
    "job {job}", "consumer", "One run of a job: a root, with a link to what put it on the queue.",
    (JOB, MESSAGING_SYSTEM, MESSAGING_QUEUE, OUTCOME, ERROR_TYPE),
)  # fmt: skip
