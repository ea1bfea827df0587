"""The collector with the repository's configuration: what it takes out, keeps, makes of spans, and passes on."""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.stack import otlp
from tests.stack.otlp import Sink
from tests.stack.programs import COLLECTOR, PROJECT, Stack, wait_for

TAIL_SAMPLING = COLLECTOR / "overlays" / "tail-sampling.yaml"
SECRETS = {
    "a bot's token": "MTE4MDAwMDAwMDAwMDAwMDAw.GhIjKl.abcdefghijklmnopqrstuvwxyz0123456789AB",
    "a webhook": "https://discord.com/api/webhooks/1180000000000000000/abcdefghijklmnop",
    "an interaction": "/interactions/1180000000000000000/aW50ZXJhY3Rpb246/callback",
    "Slack's webhook": "https://hooks.slack.com/services/T000/B000/XXXXXXXX",
    "credentials": "postgresql://companion:hunter22@db:5432/companion",
    "a JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk",
    "OpenAI's key": "sk-proj-abcdefghijklmnopqrst",
    "GitHub's token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "GitHub's fine token": "github_pat_abcdefghijklmnopqrstuvwxyz",
    "GitLab's token": "glpat-abcdefghijklmnopqrst",
    "Slack's token": "xoxb-1234567890-abcdef",
    "Google's key": "AIzaSyA-abcdefghijklmnopqrstuvwxyz01234",
    "AWS' key": "AKIAABCDEFGHIJKLMNOP",
    "a bearer": "Bearer abcdefghijklmnop0123",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "an address": "ada.lovelace@example.co.uk",
}
HARMLESS = {
    "url.template": "/channels/{channel_id}/messages",
    "discord.command.name": "ask",
    "gen_ai.request.model": "gpt-4o-mini",
    "exception.type": "discord.errors.HTTPException",
    "db.query.text": "SELECT * FROM notes WHERE person = $1",
    "code.file.path": "/srv/bot/mybot/cogs/memories.py",
    "url.full": "https://discord.com/api/v10/channels/0a1b2c3d4e5f6071/messages",
}


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture
def alone(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """Programs of this test's own."""
    own = Stack(stack.programs, tmp_path)
    yield own
    own.stop()


class TestRedaction:
    """The second line: what comes from others than the watcher is looked at here."""

    def test_secrets_go(self, alone: Stack, sink: Sink) -> None:
        collector = alone.start_collector(**sink.targets())
        values = {
            f"note.{number}": f"it said {secret} there" for number, secret in enumerate(SECRETS.values())
        }
        keys = {"db.password": "hunter22", "http.request.header.authorization": "x", "OPENAI_API_KEY": "abc"}
        counts = {"gen_ai.usage.input_tokens": 12}
        resource = otlp.SERVICE | {"process.command_args": "--token x", "host.ip": "10.0.0.1"}
        one = otlp.span(1, attributes=values | keys | HARMLESS | counts)
        event = one.events.add(name="exception")
        event.attributes.extend(otlp.pairs(values))
        otlp.send(collector, "traces", otlp.traces([one], resource))
        records = [otlp.log(text, attributes=values | HARMLESS) for text in values.values()]
        otlp.send(collector, "logs", otlp.logs(records, resource))
        point = otlp.counter("things", 1, 10**18, values | HARMLESS, resource)
        otlp.send(collector, "metrics", point)
        wait_for(lambda: sink.spans() and sink.logs() and sink.metrics("things"), "everything to come")

        (span,), (metric,) = sink.spans(), sink.metrics("things")
        places = [
            otlp.plain(span.attributes),
            otlp.plain(span.events[0].attributes),
            otlp.plain(metric.sum.data_points[0].attributes),
            *(otlp.plain(record.attributes) for record in sink.logs()),
            {f"note.{number}": record.body.string_value for number, record in enumerate(sink.logs())},
        ]
        left = [
            (name, where)
            for number, (name, secret) in enumerate(SECRETS.items())
            for where, place in enumerate(places)
            if secret in place[f"note.{number}"]
        ]
        assert left == [("an address", 0), ("an address", 1), ("an address", 2)]  # that is looked for in logs
        attributes = otlp.plain(span.attributes)
        assert {key: attributes[key] for key in keys} == dict.fromkeys(keys, "****")
        assert {key: attributes[key] for key in HARMLESS | counts} == HARMLESS | counts
        resource_left = otlp.plain(sink.got["traces"][0].resource_spans[0].resource.attributes)
        assert resource_left == otlp.SERVICE | {"deployment.environment.name": "production"}


def test_spans_are_counted(alone: Stack, sink: Sink) -> None:
    """Calls and durations by service, name, kind and status, with an exemplar: also of traces that aren't kept."""
    collector = alone.start_collector(**sink.targets())
    spans = [otlp.span(number, took_s=0.3, failed=number % 2 == 0) for number in range(1, 11)]
    otlp.send(collector, "traces", otlp.traces(spans))

    def calls() -> dict[str, int]:
        points = [
            point for metric in sink.metrics("traces.span.metrics.calls") for point in metric.sum.data_points
        ]
        return {otlp.plain(point.attributes)["status.code"]: point.as_int for point in points}

    # each is 0 first, so that nothing is lost at a series' birth
    wait_for(lambda: calls() == {"STATUS_CODE_ERROR": 5, "STATUS_CODE_UNSET": 5}, "the span metrics")
    durations = sink.metrics("traces.span.metrics.duration")
    assert {metric.unit for metric in durations} == {"s"}
    exemplars = [
        exemplar
        for metric in durations
        for point in metric.histogram.data_points
        for exemplar in point.exemplars
    ]
    assert {int.from_bytes(exemplar.trace_id, "big") for exemplar in exemplars} & {*range(1, 11)}


class TestTailSampling:
    def test_below_its_rate_everything_is_kept(self, alone: Stack, sink: Sink) -> None:
        collector = alone.start_collector(TAIL_SAMPLING, **sink.targets())
        otlp.send(collector, "traces", otlp.traces(map(otlp.span, range(1, 301))))
        wait_for(lambda: len(sink.spans()) == 300, "all traces")

    def test_above_it_what_matters_is_kept(self, alone: Stack, sink: Sink, tmp_path: Path) -> None:
        """At a hundredth of its rates, for a machine that is busy sends no thousands a second."""
        slower = tmp_path / "slower.yaml"
        text = TAIL_SAMPLING.read_text().replace("spans_per_second: 1000", "spans_per_second: 10")
        slower.write_text(text.replace("burst_capacity: 10000", "burst_capacity: 100"))
        collector = alone.start_collector(slower, **sink.targets())
        failed, slow, asked = range(1, 41), range(41, 81), range(81, 121)
        chance = random.Random(1)
        plain = [chance.getrandbits(128) for _ in range(5000)]  # a share is chosen by their hash
        for first in range(0, 5000, 500):
            otlp.send(collector, "traces", otlp.traces(map(otlp.span, plain[first : first + 500])))
        spans = [
            *(otlp.span(number, failed=True) for number in failed),
            *(otlp.span(number, took_s=3.0) for number in slow),
            *(otlp.span(number, attributes={"whisperwatch.keep": True}) for number in asked),
        ]
        otlp.send(collector, "traces", otlp.traces(spans))
        wait_for(lambda: {*failed, *slow, *asked} <= _ids(sink), "what matters")
        # the bucket's hundred, a twentieth of the others, and ten for each second that it took
        wait_for(lambda: len(_ids(sink) & {*plain}) >= 200, "a share of the rest")
        assert len(_ids(sink) & {*plain}) <= 2500
        assert _told(alone, "otelcol_processor_tail_sampling_global_count_traces_sampled")

    def test_a_late_span_follows_its_trace(self, alone: Stack, sink: Sink) -> None:
        collector = alone.start_collector(TAIL_SAMPLING, **sink.targets())
        otlp.send(collector, "traces", otlp.traces([otlp.span(7, 1, failed=True)]))
        wait_for(lambda: len(sink.spans()) == 1, "the decision")
        otlp.send(collector, "traces", otlp.traces([otlp.span(7, 2, parent=1, name="late")]))
        wait_for(lambda: len(sink.spans()) == 2, "the late span")


def _ids(sink: Sink) -> set[int]:
    return {int.from_bytes(span.trace_id, "big") for span in sink.spans()}


def _told(stack: Stack, name: str) -> list[str]:
    """Of the collector's own telemetry."""
    with urllib.request.urlopen(stack.collector_metrics, timeout=10) as response:
        return [line for line in response.read().decode().splitlines() if line.startswith(name)]


def test_security_events_for_a_siem(alone: Stack, sink: Sink, tmp_path: Path) -> None:
    """What the overlay for syslog makes of them; its exporter, which can't be run here, writes these attributes."""
    overlay = yaml.safe_load((COLLECTOR / "overlays" / "syslog.yaml").read_text())
    overlay["exporters"] = {"otlp_http/siem": {"endpoint": sink.url, "sending_queue": {"enabled": False}}}
    overlay["service"]["pipelines"]["logs/syslog"]["exporters"] = ["otlp_http/siem"]
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    targets = sink.targets() | {"LOKI_OTLP": "http://127.0.0.1:9/"}
    collector = alone.start_collector(tmp_path / "overlay.yaml", **targets)
    records = [otlp.log("an answer"), otlp.log("permission denied", event="bot.security")]
    otlp.send(collector, "logs", otlp.logs(records, otlp.SERVICE | {"host.name": "here"}))
    wait_for(sink.logs, "the event")
    (event,) = sink.logs()
    assert otlp.plain(event.attributes) == {
        "priority": 134, "appname": "bot", "hostname": "here", "msg_id": "bot.security",
        "message": "permission denied",
    }  # fmt: skip


def test_exemplars_reach_prometheus(alone: Stack, sink: Sink) -> None:
    """Also those of span metrics: from a panel to its trace."""
    prometheus = alone.start_prometheus(PROJECT / "prometheus" / "prometheus.yml")
    targets = sink.targets() | {"PROMETHEUS_OTLP": f"{prometheus}/api/v1/otlp/v1/metrics"}
    collector = alone.start_collector(**targets)
    otlp.send(collector, "traces", otlp.traces([otlp.span(0xABC)]))

    def exemplars() -> list[str]:
        query = "traces_span_metrics_duration_seconds_bucket"
        now = time.time()
        url = f"{prometheus}/api/v1/query_exemplars?query={query}&start={now - 600}&end={now + 60}"
        with urllib.request.urlopen(url, timeout=10) as response:
            data = json.load(response)["data"]
        return [one["labels"]["trace_id"] for series in data for one in series["exemplars"]]

    wait_for(lambda: f"{0xABC:032x}" in exemplars(), "the exemplar")
