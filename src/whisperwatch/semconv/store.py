"""What is recorded of the embedded store."""

from __future__ import annotations

from whisperwatch.semconv.attributes import REASON, SIGNAL
from whisperwatch.semconv.model import Metric

SELF_STORE_SIZE = Metric(
    "whisperwatch.store.size", "gauge", "By", "Bytes that the embedded store takes.", (), (), "watcher"
)
SELF_STORE_LIMIT = Metric(
    "whisperwatch.store.limit", "gauge", "By", "Bytes that the embedded store may take.", (), (), "watcher"
)
SELF_STORE_DROPPED = Metric(
    "whisperwatch.store.dropped", "counter", "{partition}",
    "Partitions of the embedded store that went before their time, for it is full.",
    (SIGNAL, REASON), (), "watcher",
)  # fmt: skip
