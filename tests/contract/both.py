"""The same telemetry in the embedded store and, through the real collector, in Prometheus, Mimir and Loki."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.contract.bot import SERVICE, Bot
from tests.contract.traffic import SLOT_S, Day

from whisperwatch.watcher.pipeline.kept_logs import KeptLogs
from whisperwatch.watcher.pipeline.kept_metrics import KeptMetrics
from whisperwatch.watcher.pipeline.otlp_logs import LogEncoder
from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.query.embedded.logs import EmbeddedLogs
from whisperwatch.watcher.query.embedded.metrics import EmbeddedMetrics
from whisperwatch.watcher.query.http import StoreClient
from whisperwatch.watcher.query.loki.engine import Loki
from whisperwatch.watcher.query.prometheus.engine import Prometheus
from whisperwatch.watcher.records import LocalStream, Log, Records
from whisperwatch.watcher.settings.stores import StoreTarget
from whisperwatch.watcher.store.logs import Logs
from whisperwatch.watcher.store.metrics import Keep, Metrics
from whisperwatch.watcher.store.store import Store

REDACTION = Redaction(b"k" * 32)
TENANT = "contract"
_AT_ONCE = 1_000_000


class Collector:
    """Sends streams' newest values and their logs as the watcher's pipeline does, at any time."""

    def __init__(self, url: str, **headers: str) -> None:
        self._url = url
        self._headers = {"content-type": "application/x-protobuf", **headers}
        self._metrics: dict[Records, MetricEncoder] = {}
        self._logs: dict[Records, LogEncoder] = {}

    def metrics(self, streams: Iterable[Records], at: float) -> bytes:
        """Returns what was sent."""
        parts = []
        for stream in streams:
            encoder = self._metrics.setdefault(stream, MetricEncoder(stream, REDACTION))
            parts.append(encoder.encode(int(at * 1e9))[0])
        body = b"".join(parts)
        self.post("/v1/metrics", body)
        return body

    def logs(self, stream: Records, logs: list[Log]) -> None:
        encoder = self._logs.setdefault(stream, LogEncoder(stream, REDACTION, {}))
        by_logger = {logger: [encoded] for logger, encoded in encoder.encode(logs, 0).items()}
        if by_logger:
            self.post("/v1/logs", encoder.enclosed(by_logger))

    def post(self, path: str, body: bytes) -> None:
        request = urllib.request.Request(self._url + path, body, self._headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200


class Embedded:
    """A store of its own whose clock is the traffic's."""

    def __init__(self, path: Path, keep: Keep, redaction: Redaction = REDACTION) -> None:
        self.now = 0.0
        self._bots: list[Bot] = []
        self._logs = Logs(lambda: 1e9)
        self._rows = KeptLogs(redaction, {})
        metrics = KeptMetrics(lambda: [bot.stream for bot in self._bots], lambda: self.now)
        self.store = Store(
            path,
            [Metrics(metrics, lambda: keep), self._logs],
            lambda: 10**10,
            LocalStream({}),
            lambda: self.now,
        )

    async def take(self, bots: list[Bot], logs: Iterable[tuple[Records, list[Log]]], at: float) -> None:
        """What the bots sent up to a moment."""
        self._bots, self.now = list(bots), at
        for stream, some in logs:
            self._logs.add(self._rows.rows(stream, some, 0))
        assert await self.store.write(), self.store.state


@dataclass
class Both:
    """A day in both, and their engines."""

    start: int
    end: int
    metrics: EmbeddedMetrics
    logs: EmbeddedLogs
    prometheus: Prometheus
    mimir: Prometheus
    loki: Loki
    clients: tuple[StoreClient, ...]


async def live_through(day: Day, embedded: Embedded, collector: Collector, mimir: Collector) -> None:
    """Have a day recorded by both, and its metrics by Mimir's own receiver."""
    for_mimir = b""
    for at in day:
        sent = [(bot.stream, bot.send()[1]) for bot in day.bots]
        await embedded.take(day.bots, sent, at)
        for_mimir += collector.metrics([bot.stream for bot in day.bots], at)
        if len(for_mimir) > _AT_ONCE:
            mimir.post("/v1/metrics", for_mimir)
            for_mimir = b""
        for stream, logs in sent:
            collector.logs(stream, logs)
    mimir.post("/v1/metrics", for_mimir)
    await embedded.take([], [], embedded.now + SLOT_S)


def engines(day: Day, embedded: Embedded, prometheus: str, mimir: str, loki: str) -> Both:
    """Who answers about it."""
    clients = (
        _client("prometheus", prometheus),
        _client("prometheus", f"{mimir}/prometheus", ("X-Scope-OrgID", TENANT)),
        _client("loki", loki),
    )
    return Both(
        day.start,
        day.start + day.slots * SLOT_S,
        EmbeddedMetrics(embedded.store.readers),
        EmbeddedLogs(embedded.store.readers),
        Prometheus(clients[0], f'job="{SERVICE}"'),
        Prometheus(clients[1], f'job="{SERVICE}"'),
        Loki(clients[2], SERVICE),
        clients,
    )


def _client(name: str, url: str, *headers: tuple[str, str]) -> StoreClient:
    return StoreClient(StoreTarget(name, url, headers, None, None, None, 30.0))  # type: ignore[arg-type]
