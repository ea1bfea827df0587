"""The stack's servers, native, with the repository's own configurations, on free ports of this machine.

`tools/stack_tools.py` builds them. Each is started when it is first asked for, and ended with its tests, also where
these are killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import cast

from whisperwatch.demo.backends.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
COLLECTOR = PROJECT / "otel-collector"
PATIENCE_S = 90.0
_PDEATHSIG = 1


def folder() -> Path | None:
    """Where the programs are; None where they are not built."""
    found = subprocess.run(
        [sys.executable, PROJECT / "tools" / "stack_tools.py", "--where"],
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(found.stdout.strip()) if found.returncode == 0 else None


class Stack:
    """The servers; each attribute is an address, and starts what answers there.

    Args:
        programs: where they are.
        data: an empty folder for what they keep.
    """

    def __init__(self, programs: Path, data: Path) -> None:
        self.programs, self.data = programs, data
        self._running: list[subprocess.Popen[bytes]] = []
        self._started: dict[str, tuple[tuple[str, ...], int | None, dict[str, str]]] = {}
        self._addresses: dict[str, tuple[str, str]] = {}

    @cached_property
    def prometheus(self) -> str:
        """Prometheus with its OTLP receiver."""
        return self.start_prometheus(PROJECT / "prometheus" / "prometheus.yml")

    def start_prometheus(self, config: Path, port: int = 0, *flags: str) -> str:
        """A Prometheus with this configuration and more flags, over the data that there is; its address."""
        port = port or free_port()
        self._start(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.data / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-otlp-receiver",
            "--enable-feature=exemplar-storage",
            *flags,
        )
        return self._ready(f"http://127.0.0.1:{port}", "/-/ready")

    def start_victoria_metrics(self, relabelling: Path) -> str:
        """VictoriaMetrics, which takes OTLP where Prometheus does, with the relabelling of this file; its address."""
        port = free_port()
        self._start(
            "victoria-metrics",
            f"-storageDataPath={self.data / 'victoria-metrics'}", f"-httpListenAddr=127.0.0.1:{port}",
            f"-relabelConfig={relabelling}", "-opentelemetry.usePrometheusNaming", "-retentionPeriod=10y",
            "-search.latencyOffset=0s",
        )  # fmt: skip
        return self._ready(f"http://127.0.0.1:{port}", "/health")

    def start_thanos(self, prometheus: str) -> str:
        """A sidecar of Thanos beside this Prometheus, which has external labels, and a querier; its address."""
        store, http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self._start(
            "thanos", "sidecar", f"--prometheus.url={prometheus}", f"--tsdb.path={self.data / 'prometheus'}",
            f"--grpc-address={store}", f"--http-address={http}",
        )  # fmt: skip
        self._ready(f"http://{http}", "/-/ready")
        http = f"127.0.0.1:{free_port()}"
        self._start(
            "thanos", "query", f"--endpoint={store}", f"--http-address={http}",
            f"--grpc-address=127.0.0.1:{free_port()}", "--query.replica-label=replica",
        )  # fmt: skip
        querier = self._ready(f"http://{http}", "/-/ready")
        wait_for(lambda: _says(f"{querier}/api/v1/stores", '"sidecar":[{'), "Thanos to find its sidecar")
        return querier

    @cached_property
    def loki(self) -> str:
        """Loki."""
        return self.start_loki()

    def start_loki(self, port: int = 0, **environment: str) -> str:
        """Loki, over the data that there is, with more of its configuration's variables."""
        port = port or free_port()
        self._start(
            "loki",
            f"-config.file={PROJECT / 'loki' / 'config.yaml'}",
            "-config.expand-env=true",
            LOKI_LISTEN="127.0.0.1",
            LOKI_PORT=str(port),
            LOKI_GRPC_PORT=str(free_port()),
            LOKI_DATA=str(self.data / "loki"),
            core=None,
            **environment,
        )
        return self._ready(f"http://127.0.0.1:{port}", "/ready")

    @cached_property
    def mimir(self) -> str:
        """Mimir with tenants; its Prometheus API is below `/prometheus`. Rules are put there by its API."""
        return self.start_mimir(MIMIR_RULES="filesystem")

    def start_mimir(self, **environment: str) -> str:
        """Mimir, over a disk rather than S3, with more of its configuration's variables."""
        port = free_port()
        where = {
            "MIMIR_LISTEN": "127.0.0.1",
            "MIMIR_PORT": str(port),
            "MIMIR_GRPC_PORT": str(free_port()),
            "MIMIR_DATA": str(self.data / "mimir"),
            "MIMIR_STORAGE": "filesystem",
            "MIMIR_RULES_EVERY": "2s",
        }
        config = f"-config.file={PROJECT / 'mimir' / 'config.yaml'}"
        self._start("mimir", config, "-config.expand-env=true", core=None, **where | environment)
        return self._ready(f"http://127.0.0.1:{port}", "/ready")

    @cached_property
    def alertmanager(self) -> str:
        """Alertmanager."""
        port = free_port()
        self._start(
            "alertmanager",
            f"--config.file={PROJECT / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={self.data / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )
        return self._ready(f"http://127.0.0.1:{port}", "/-/ready")

    @cached_property
    def collector(self) -> str:
        """The collector's OTLP/HTTP receiver; what it gets goes to Prometheus and Loki, and to a Tempo where
        WHISPERWATCH_TEST_TEMPO_OTLP names its OTLP/HTTP address."""
        tempo = os.environ.get("WHISPERWATCH_TEST_TEMPO_OTLP", "http://127.0.0.1:9")
        return self.start_collector(
            PROMETHEUS_OTLP=f"{self.prometheus}/api/v1/otlp/v1/metrics",
            LOKI_OTLP=f"{self.loki}/otlp/v1/logs",
            TEMPO_OTLP=f"{tempo}/v1/traces",
        )

    def start_collector(self, *overlays: Path, core: int | None = None, **environment: str) -> str:
        """A collector, over the queue that there is; the address of its OTLP/HTTP receiver.

        Args:
            overlays: configurations beside the main one.
            core: the only one that it may run on.
            environment: where it listens (else on free ports), and where it sends to.
        """
        ports = {f"COLLECTOR_{what}_PORT": str(free_port()) for what in ("HTTP", "GRPC", "HEALTH", "METRICS")}
        where = {"COLLECTOR_LISTEN": "127.0.0.1", "COLLECTOR_DATA": str(self.data / "otelcol")}
        environment = where | ports | environment
        configurations = [COLLECTOR / "config.yaml", *overlays]
        self._start("otelcol", *(f"--config={path}" for path in configurations), core=core, **environment)
        self._ready(f"http://127.0.0.1:{environment['COLLECTOR_HEALTH_PORT']}", "/")
        self.collector_metrics = f"http://127.0.0.1:{environment['COLLECTOR_METRICS_PORT']}/metrics"
        return f"http://127.0.0.1:{environment['COLLECTOR_HTTP_PORT']}"

    def start_objects(self, *flags: str, s3: int) -> None:
        """SeaweedFS with these flags, whose S3 is at this port."""
        self._start("weed", *flags)
        self._ready(f"http://127.0.0.1:{s3}", "/healthz")

    def kill(self, name: str) -> None:
        """End the newest of that name as the kernel would."""
        self.process(name).kill()
        self.process(name).wait()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The newest of that name."""
        return next(process for process in reversed(self._running) if process.args == name)

    def run(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One of the programs that check something, to its end."""
        return subprocess.run(
            [self.programs / name, *arguments],
            env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def stop(self) -> None:
        """End all of them, the last one first."""
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_again(self, name: str) -> None:
        """What was killed, as it was started, where it was."""
        arguments, core, environment = self._started[name]
        self._start(name, *arguments, core=core, **environment)
        self._ready(*self._addresses[name])

    def log(self, name: str) -> str:
        """What a program has written."""
        return (self.data / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str, *arguments: str, core: int | None = None, **environment: str) -> None:
        self._started[name] = arguments, core, environment
        pinned = () if core is None else ("taskset", "-c", str(core))
        with open(self.data / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [*pinned, self.programs / name, *arguments],
                env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_the_tests,
            )  # fmt: skip
        process.args = name
        self._running.append(process)

    def _ready(self, url: str, path: str) -> str:
        process = self._running[-1]
        name = cast(str, process.args)
        self._addresses[name] = url, path
        wait_for(lambda: process.poll() is not None or _answers(url + path), f"{name} at {url}{path}")
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended:\n{self.log(name)[-3000:]}")
        return url


def wait_for(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return when `condition` holds.

    Raises:
        TimeoutError: it doesn't come to.
    """
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s:g} s for {what}")
        time.sleep(0.05)


def _says(url: str, text: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as response:
        return text in response.read().decode()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _die_with_the_tests() -> None:
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
