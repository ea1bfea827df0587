"""`bench.month`'s 500 series in a Prometheus, sent to its OTLP receiver in order: by five minutes, the last 6 hours by
15 seconds. Values are of the same kind, not the same, and the bot is started anew each week."""

from __future__ import annotations

import random
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from bench.month import BOUNDS, RAW_S, series
from whisperwatch import semconv
from whisperwatch.watcher.store.metrics import Identity

SERVICE = "month"
_PORT = 19_090
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_NS = 10**9
_LIFE_S = 7 * 86_400
_START = Identity(semconv.START_TIME.name, "gauge", "s", (), "one", ((semconv.SERVICE_VERSION, "1.0"),))


@dataclass(frozen=True, slots=True)
class Running:
    """A Prometheus: where it answers, where its data is, and its process."""

    url: str
    data: Path
    process: psutil.Process

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(one.stat().st_size for one in self.data.rglob("*") if one.is_file())

    @property
    def memory(self) -> int:
        """Bytes of resident memory that are no file's."""
        memory = self.process.memory_info()
        return int(memory.rss - memory.shared)


@contextmanager
def running(program: str, folder: Path) -> Iterator[Running]:
    """Start `program` on an empty folder of `folder`, and end it."""
    # without anything to scrape: what is newer than the month would make it too old
    configuration, data = folder / "prometheus.yml", folder / "prometheus"
    configuration.write_text("otlp: { translation_strategy: UnderscoreEscapingWithSuffixes }\n")
    url = f"http://127.0.0.1:{_PORT}"
    with open(folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [
                program, f"--config.file={configuration}", f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=60d", f"--web.listen-address=127.0.0.1:{_PORT}",
                "--web.enable-otlp-receiver",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{url}/-/ready", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Running(url, data, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def send(url: str, days: int, now: int) -> None:
    """Fill the Prometheus at `url` up to `now`."""
    request, points = _request()
    dice, began = random.Random(1), 0
    for at in _times(days, now):
        if at - began >= _LIFE_S:
            began = at
            for kind, point in points:
                _begin(kind, point)
        for kind, point in points:
            _advance(kind, point, dice)
            point.time_unix_nano = at * _NS
        points[-1][1].as_double = began
        _post(f"{url}/api/v1/otlp/v1/metrics", request.SerializeToString())


def _times(days: int, now: int) -> Iterator[int]:
    yield from range(now - days * 86_400, now - RAW_S, 300)
    yield from range(now - RAW_S, now + 1, 15)


def _request() -> tuple[ExportMetricsServiceRequest, list[tuple[str, Any]]]:
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    for key, value in (("service.name", SERVICE), ("service.instance.id", "one")):
        attribute = of_resource.resource.attributes.add(key=key)
        attribute.value.string_value = value
    metrics = of_resource.scope_metrics.add().metrics
    by_name: dict[str, Metric] = {}
    points: list[tuple[str, Any]] = []
    for identity in (*series(), _START):
        if identity.metric not in by_name:
            by_name[identity.metric] = metrics.add(name=identity.metric, unit=identity.unit)
        points.append((identity.kind, _point(by_name[identity.metric], identity)))
    return request, points


def _point(metric: Metric, identity: Identity) -> Any:
    if identity.kind == "histogram":
        metric.histogram.aggregation_temporality = _CUMULATIVE
        point = metric.histogram.data_points.add(
            explicit_bounds=BOUNDS, bucket_counts=[0] * (len(BOUNDS) + 1)
        )
    elif identity.kind == "gauge":
        point = metric.gauge.data_points.add()
    else:
        metric.sum.aggregation_temporality = _CUMULATIVE
        metric.sum.is_monotonic = identity.kind == "counter"
        point = metric.sum.data_points.add()
    for key, value in identity.attributes:
        attribute = point.attributes.add(key=key)
        attribute.value.string_value = value
    return point


def _begin(kind: str, point: Any) -> None:
    """From 0, where it is counted."""
    if kind == "histogram":
        point.bucket_counts[:] = [0] * len(point.bucket_counts)
        point.count, point.sum = 0, 0
    elif kind != "gauge":
        point.as_double = 0


def _advance(kind: str, point: Any, dice: random.Random) -> None:
    if kind == "histogram":
        middle, count = dice.randrange(3, 9), dice.randrange(200)
        point.bucket_counts[middle] += count
        point.count += count
        point.sum += count * 1.37
    elif kind == "gauge":
        point.as_double = dice.random() * 1000
    else:
        point.as_double += dice.randrange(1000)


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200, response.read()
