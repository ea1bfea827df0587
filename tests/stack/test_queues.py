"""Nothing that the collector has taken is lost: it is killed, each store goes and comes back, and it is counted."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stack import otlp
from tests.stack.otlp import Sink
from tests.stack.programs import PROJECT, Stack, free_port, wait_for

ROUNDS = 60
"""Exports in each of three parts: before, during and after what happens."""


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """Programs that may be killed."""
    own = Stack(stack.programs, tmp_path)
    yield own
    own.stop()


class Sender:
    """A bot's watcher: what isn't taken it sends again, and it knows what was taken."""

    def __init__(self, collector: str) -> None:
        self.collector = collector
        self.began = time.time_ns() - 10**9
        self.rounds = 0

    def send(self, rounds: int = ROUNDS) -> None:
        """A counter's next value, a log record and a span in each round."""
        for _ in range(rounds):
            self.rounds += 1
            number, at = self.rounds, self.began + self.rounds * 10**6
            self._surely("metrics", otlp.counter("rounds", number, at))
            self._surely("logs", otlp.logs([otlp.log(f"round {number}", at)]))
            self._surely("traces", otlp.traces([otlp.span(number)]))

    def _surely(self, signal: str, request: Any) -> None:
        def taken() -> bool:
            try:
                otlp.send(self.collector, signal, request)
            except OSError:
                return False
            return True

        wait_for(taken, f"the collector to take {signal}")


def test_the_collector_is_killed(own: Stack) -> None:
    """With everything in its queue, while the stores are away; and while they take it."""
    sink, ports = Sink(), {"COLLECTOR_HTTP_PORT": str(free_port())}
    sink.refusing = True
    try:
        sender = Sender(own.start_collector(**sink.targets(), **ports))
        sender.send()
        own.kill("otelcol")
        own.start_collector(**sink.targets(), **ports)
        sender.send()
        sink.refusing = False
        sender.send()
        own.kill("otelcol")
        own.start_collector(**sink.targets(), **ports)
        wait_for(lambda: _at(sink) == [{*range(1, sender.rounds + 1)}] * 3, "all that was taken")
    finally:
        sink.stop()


def test_prometheus_is_away(own: Stack) -> None:
    """Killed, and back after a while: every sample is there."""
    sink, port, config = Sink(), free_port(), PROJECT / "prometheus" / "prometheus.yml"
    try:
        prometheus = own.start_prometheus(config, port)
        targets = sink.targets() | {"PROMETHEUS_OTLP": f"{prometheus}/api/v1/otlp/v1/metrics"}
        sender = Sender(own.start_collector(**targets))
        sender.send()
        own.kill("prometheus")
        sender.send()
        own.start_prometheus(config, port)
        sender.send()
        wait_for(lambda: _samples(prometheus) >= {*range(1, sender.rounds + 1)}, "every sample")
    finally:
        sink.stop()


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_loki_is_away(own: Stack, how: str) -> None:
    """Killed, or ended and started anew, when it answers before it can take anything: every record is there."""
    sink, port = Sink(), free_port()
    try:
        loki = own.start_loki(port)
        sender = Sender(own.start_collector(**sink.targets() | {"LOKI_OTLP": f"{loki}/otlp/v1/logs"}))
        sender.send()
        process = own.process("loki")
        getattr(process, how)()
        sender.send()
        process.wait(60)
        sender.send()
        own.start_loki(port)
        sender.send()
        wait_for(lambda: _bodies(loki) == {f"round {n}" for n in range(1, sender.rounds + 1)}, "every record")
    finally:
        sink.stop()


def test_a_queue_that_is_full_refuses(own: Stack) -> None:
    """What doesn't fit stays with the sender, who is told so: nothing is taken and then dropped."""
    sink = Sink()
    sink.refusing = True
    try:
        collector = own.start_collector(**sink.targets(), COLLECTOR_QUEUE_BYTES="100000")
        taken = _sent_until_refused(collector, 1000)
        sink.refusing = False
        wait_for(lambda: len(sink.logs()) >= taken, "what was taken")
        assert {record.body.string_value.split()[0] for record in sink.logs()} == {
            str(n) for n in range(taken)
        }
    finally:
        sink.stop()


def _sent_until_refused(collector: str, most: int) -> int:
    """How many log records of a kilobyte were taken."""
    for taken in range(most):
        try:
            otlp.send(collector, "logs", otlp.logs([otlp.log(f"{taken} {'x' * 1000}")]))
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return taken
    raise AssertionError("it takes everything")


def _at(sink: Sink) -> list[set[int]]:
    """The rounds whose metrics, logs and traces are there."""
    points = [point.as_int for metric in sink.metrics("rounds") for point in metric.sum.data_points]
    logs = [int(record.body.string_value.split()[1]) for record in sink.logs()]
    return [{*points}, {*logs}, {int.from_bytes(span.trace_id, "big") for span in sink.spans()}]


def _samples(prometheus: str) -> set[int]:
    result = _asked(f"{prometheus}/api/v1/query", {"query": "rounds_total[1h]"})
    return {int(float(value)) for series in result for _, value in series["values"]}


def _bodies(loki: str) -> set[str]:
    form = {"query": '{service_name="bot"}', "limit": "5000", "since": "1h"}
    return {
        line for stream in _asked(f"{loki}/loki/api/v1/query_range", form) for _, line in stream["values"]
    }


def _asked(url: str, form: dict[str, str]) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(form)}", timeout=10) as response:
            result: list[dict[str, Any]] = json.load(response)["data"]["result"]
    except OSError:
        return []
    return result
