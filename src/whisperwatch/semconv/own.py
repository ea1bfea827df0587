"""What Whisperwatch records of itself."""

from __future__ import annotations

from whisperwatch.semconv.attributes import (
    METRIC,
    REASON,
    SIGNAL,
    WHERE,
)
from whisperwatch.semconv.model import Metric

# ourselves
SELF_RECORDED = Metric(
    "whisperwatch.recorded",
    "counter",
    "{record}",
    "Spans, log records and points made in the bot's process.",
    (SIGNAL,),
)
SELF_DROPPED = Metric(
    "whisperwatch.dropped", "counter", "{record}", "Records lost, and why.", (SIGNAL, REASON)
)
SELF_INTERNAL_ERRORS = Metric(
    "whisperwatch.internal.errors",
    "counter",
    "{error}",
    "Failures of our own hooks, and calls of our API with what it can't take; the bot went on.",
    (WHERE,),
)
SELF_CAPPED = Metric(
    "whisperwatch.attribute_sets.capped", "counter", "{point}",
    "Points that went to the overflow set because the metric has too many attribute sets.", (METRIC,),
)  # fmt: skip
SELF_TAPE = Metric(
    "whisperwatch.tape.size", "gauge", "By", "Bytes on the tape that wait for the watcher.", ()
)
SELF_WATCHER_RESTARTS = Metric(
    "whisperwatch.watcher.restarts",
    "counter",
    "{restart}",
    "Times the bot had to start its watcher again.",
    (),
)
SELF_EXPORTED = Metric(
    "whisperwatch.exported", "counter", "{record}", "Records that the collector has taken.",
    (SIGNAL,), (), "watcher",
)  # fmt: skip
SELF_EXPORT_DROPPED = Metric(
    "whisperwatch.export.dropped", "counter", "{record}",
    "Records that were refused by the collector, or that there was no room for while it was away.",
    (SIGNAL, REASON), (), "watcher",
)  # fmt: skip
SELF_BUFFER = Metric(
    "whisperwatch.buffer.size",
    "gauge",
    "By",
    "Bytes that wait for the collector in memory.",
    (SIGNAL,),
    (),
    "watcher",
)
SELF_SPOOL = Metric(
    "whisperwatch.spool.size",
    "gauge",
    "By",
    "Bytes that wait for the collector on the disk.",
    (SIGNAL,),
    (),
    "watcher",
)
SELF_RECEIVED = Metric(
    "whisperwatch.received", "counter", "{record}", "Records that reached the watcher.",
    (SIGNAL,), (), "watcher",
)  # fmt: skip
SELF_SIEM_SENT = Metric(
    "whisperwatch.siem.sent", "counter", "{event}", "Security events that the syslog receiver's machine has taken.",
    (), (), "watcher",
)  # fmt: skip
SELF_SIEM_DROPPED = Metric(
    "whisperwatch.siem.dropped", "counter", "{event}", "Security events that the syslog receiver never got, and why.",
    (REASON,), (), "watcher",
)  # fmt: skip
