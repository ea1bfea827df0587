"""Real bot processes, real watchers, and a real collector that keeps what reached it."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROGRAM = Path(__file__).with_name("bot_process.py")
PATIENCE_S = 30.0


def until(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """The first true answer of `condition`."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.02)
    return answer


def is_alive(pid: int) -> bool:
    """Whether there is such a process, zombies included."""
    return Path(f"/proc/{pid}").exists()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def watchers_of(state: Path) -> list[int]:
    """The watchers that bots have started for a state directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"--connection" in command and os.fsencode(state) in command:
                found.append(int(process.name))
    return found


class Collector:
    """Keeps the numbers of the spans that arrive at `url`, and when they were made (unix seconds).

    Args:
        port: where; by default at a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.closed = threading.Event()
        self.spans: dict[int, float] = {}
        self.logs: list[Any] = []
        """LogRecords as they came."""
        self.connects: list[tuple[int, int]] = []
        """The points of `discord.gateway.connects`: wall ns and value."""
        self.received = bytearray()
        """Every body that came."""
        kept, received, logs, connects = self.spans, self.received, self.logs, self.connects
        closed = self.closed

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if closed.is_set():  # over a connection that was there before
                    self.close_connection = True
                    return
                request = ExportTraceServiceRequest()
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-encoding"] == "gzip":
                    body = gzip.decompress(body)
                received.extend(body)
                if self.path == "/v1/traces":
                    request.ParseFromString(body)
                    for resource in request.resource_spans:
                        for scope in resource.scope_spans:
                            for span in scope.spans:
                                kept[span.attributes[0].value.int_value] = span.end_time_unix_nano / 1e9
                elif self.path == "/v1/metrics":
                    connects.extend(
                        (point.time_unix_nano, point.as_int)
                        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
                        for scope in resource.scope_metrics
                        for metric in scope.metrics
                        if metric.name == "discord.gateway.connects"
                        for point in metric.sum.data_points
                    )
                elif self.path == "/v1/logs":
                    logs.extend(
                        log
                        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
                        for scope in resource.scope_logs
                        for log in scope.log_records
                    )
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Bot:
    """A `bot_process.py`."""

    def __init__(self, environment: dict[str, str], arguments: tuple[str, ...] = (), **options: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
            **options,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def say(self, code: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the bot ended with {self.process.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def do(self, code: str) -> Any:
        """Execute code in the process; the value, if it is an expression."""
        self.say(code)
        return self.hear()

    def sail(self, **options: Any) -> dict[str, Any]:
        """Start its ship; the watcher's WELCOME."""
        self.do(f"ship = make_ship(**{options!r}); ship.start(); turning.set()")
        assert self.do("until(lambda: ship.welcome and welcomes)"), self.do(
            "logged"
        )  # it is told a moment later
        welcome: dict[str, Any] = self.do("ship.welcome")
        return welcome

    def metric(self, name: str) -> float:
        """A value of the watcher's /metrics, whose line begins with `name`; nan where there is none."""
        return metric(self.do("welcomes[-1]['url']"), name)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
        for line in response.read().decode().splitlines():
            if line.startswith(name):
                return float(line.rpartition(" ")[2])
    return float("nan")


def health(url: str, path: str = "/health") -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url + path, timeout=10) as response:
            return dict(json.loads(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.loads(error.read()))


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def bots(state: Path) -> Iterator[Callable[..., Bot]]:
    """Makes bots of one state directory; at the end they and all their watchers are gone."""
    made: list[Bot] = []

    def make(*arguments: str, popen: dict[str, Any] | None = None, **environment: str) -> Bot:
        surroundings = {
            "WHISPERWATCH_STATE_DIR": str(state),
            "WHISPERWATCH_LINGER": "1",
            "HEALTH_CHECK_PORT": "0",
            "OTEL_BSP_SCHEDULE_DELAY": "100ms",
            **environment,
        }
        bot = Bot(surroundings, arguments, **(popen or {}))
        made.append(bot)
        return bot

    yield make
    for bot in made:
        bot.end()
    for pid in watchers_of(state):
        os.kill(pid, signal.SIGKILL)
