"""One real collector with Prometheus and Loki behind it: what a fleet costs them, by the CPU time that each used."""

from __future__ import annotations

import json
import shutil
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

import psutil
from tests.stack.programs import PROJECT, Stack, wait_for

from bench.fleet.instance import SERVICE
from bench.void import void

_NAMES: Final = ("otelcol", "prometheus", "loki")
_PATIENCE_S: Final = 600.0
_SPAN_METRICS: Final = "traces_span_metrics_.*"


class Servers:
    """The servers of one run, in a folder of their own. Traces are taken by nobody: there is no Tempo here."""

    def __init__(self, programs: Path, data: Path) -> None:
        self._stack, self._void = Stack(programs, data), void()
        self._prometheus = self._stack.start_prometheus(
            PROJECT / "prometheus" / "prometheus.yml", 0, "--web.enable-admin-api"
        )
        self.collector = self._stack.start_collector(
            PROMETHEUS_OTLP=f"{self._prometheus}/api/v1/otlp/v1/metrics",
            LOKI_OTLP=f"{self._stack.loki}/otlp/v1/logs",
            TEMPO_OTLP=self._void.__enter__(),
            GOMEMLIMIT="380MiB",
        )
        self.begin()

    def begin(self) -> None:
        """From now on it counts, when all that has been sent is passed on."""
        self.settle()
        self._before = self._cpu()

    def stop(self) -> None:
        """End them."""
        self._stack.stop()
        self._void.__exit__(None, None, None)

    def post(self, signal: str, packed: bytes) -> None:
        """A request, as the watcher sends it."""
        headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        request = urllib.request.Request(f"{self.collector}/v1/{signal}", packed, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 200

    def settle(self) -> None:
        """Wait until the collector has passed everything on."""
        wait_for(self._passed_on, "the collector's queues", _PATIENCE_S)

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU since `begin`, by program."""
        return {name: now - self._before[name] for name, now in self._cpu().items()}

    def memory_bytes(self) -> int:
        """The collector's resident memory."""
        return int(psutil.Process(self._stack.process("otelcol").pid).memory_info().rss)

    def series(self) -> dict[str, int]:
        """Of the last hour in Prometheus: those with a shard, the bots' others, what the collector made of spans."""
        ours = f'job="{SERVICE}"'
        selectors = {
            "of shards": f'{{{ours},discord_shard_id!=""}}',
            "of instances": f'{{{ours},discord_shard_id="",__name__!~"{_SPAN_METRICS}"}}',
            "of spans": f'{{{ours},__name__=~"{_SPAN_METRICS}"}}',
        }
        return {name: self._count(f"count(last_over_time({one}[1h]))") for name, one in selectors.items()}

    def bytes_kept(self, *, logged: bool) -> dict[str, int]:
        """What lies on the disk when it is written out: Prometheus' blocks, and Loki's chunks where it got logs."""
        snapshot = self._ask(f"{self._prometheus}/api/v1/admin/tsdb/snapshot", b"")["data"]["name"]
        folder = self._stack.data / "prometheus" / "snapshots" / snapshot
        found = {"prometheus": _size(folder), "prometheus samples": self._samples()}
        shutil.rmtree(folder)
        urllib.request.urlopen(urllib.request.Request(f"{self._stack.loki}/flush", b"")).close()
        chunks = self._stack.data / "loki" / "chunks"
        if logged:
            wait_for(lambda: _steady(chunks), "Loki to write its chunks", 60)
        return found | {"loki": _size(chunks)}

    def _samples(self) -> int:
        metrics = _text(f"{self._prometheus}/metrics")
        return int(_total(metrics, "prometheus_tsdb_head_samples_appended_total"))

    def _passed_on(self) -> bool:
        time.sleep(0.5)  # asking costs the collector, too
        return _total(_text(self._stack.collector_metrics), "otelcol_exporter_queue_size") == 0

    def _count(self, query: str) -> int:
        form = urllib.parse.urlencode({"query": query})
        result = self._ask(f"{self._prometheus}/api/v1/query?{form}")["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def _ask(self, url: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=120) as response:
            return json.load(response)

    def _cpu(self) -> dict[str, float]:
        found = {}
        for name in _NAMES:
            times = psutil.Process(self._stack.process(name).pid).cpu_times()
            found[name] = times.user + times.system
        return found


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        return str(response.read().decode())


def _total(metrics: str, name: str) -> float:
    """All series of a metric together."""
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name))


def _steady(folder: Path) -> bool:
    before = _size(folder)
    time.sleep(1)
    return before > 0 and _size(folder) == before


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
