"""Mimir with the repository's configuration: tenants, what the collector's overlay sends it, rules that it records."""

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
import yaml
from tests.contract.bot import Bot
from tests.contract.both import REDACTION
from tests.stack.otlp import Sink
from tests.stack.programs import COLLECTOR, PROJECT, Stack, wait_for

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.otlp_metrics import MetricEncoder

RULES = PROJECT / "prometheus" / "rules" / "recording.yml"
HANDLED = 'sum(discord_messages_handled_total{job="contract-bot"})'
RATE = 'job:discord_messages_handled:rate_5m{job="contract-bot"}'


def ask(url: str, tenant: str, path: str, body: bytes | None = None, kind: str = "text/plain") -> bytes:
    request = urllib.request.Request(url + path, body, {"X-Scope-OrgID": tenant, "content-type": kind})
    with urllib.request.urlopen(request, timeout=10) as response:
        return bytes(response.read())


def values(url: str, tenant: str, query: str) -> list[float]:
    path = "/prometheus/api/v1/query?" + urllib.parse.urlencode({"query": query})
    result: list[Any] = json.loads(ask(url, tenant, path))["data"]["result"]
    return [float(one["value"][1]) for one in result]


def tell(url: str, tenant: str = "bots") -> None:
    """A minute of a bot."""
    bot = Bot("one", time.time() - 120)
    encoder = MetricEncoder(bot.stream, REDACTION)
    for ago in (60, 45, 30, 15, 0):
        bot.count(semconv.MESSAGES_HANDLED, {semconv.EVENT: "message"}, 30)
        bot.send()
        body = encoder.encode(int((time.time() - ago) * 1e9))[0]
        ask(url, tenant, "/v1/metrics", body, "application/x-protobuf")


@pytest.fixture(scope="module")
def sent(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    """Where all else would be sent, after a bot's metrics went through a collector of the tenant `bots`."""
    own, sink = Stack(stack.programs, tmp_path_factory.mktemp("tenant")), Sink()
    targets = sink.targets() | {"MIMIR_OTLP": f"{stack.mimir}/otlp/v1/metrics"}
    collector = own.start_collector(COLLECTOR / "overlays" / "tenant.yaml", **targets)
    tell(collector, "ignored")
    yield sink
    own.stop()
    sink.stop()


def test_what_a_collector_sends_is_its_tenants(stack: Stack, sent: Sink) -> None:
    wait_for(lambda: values(stack.mimir, "bots", HANDLED) == [150], "the metrics to reach Mimir")
    assert values(stack.mimir, "others", HANDLED) == []
    assert sent.got["metrics"] == []


def test_without_a_tenant_nothing_is_answered(stack: Stack) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{stack.mimir}/prometheus/api/v1/query?query=up", timeout=10)


def test_the_rules_of_a_tenant_are_recorded(stack: Stack, sent: Sink) -> None:
    """As docs/scaling.md has it: each group of the file is put there, and what it makes is the tenant's."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        body = yaml.safe_dump({**group, "interval": "5s"}).encode()
        ask(stack.mimir, "bots", "/prometheus/config/v1/rules/whisperwatch", body, "application/yaml")
    wait_for(lambda: values(stack.mimir, "bots", RATE), "Mimir's ruler to record")
    assert values(stack.mimir, "bots", RATE)[0] > 0
    assert values(stack.mimir, "others", RATE) == []


def test_rules_of_a_folder_are_recorded(stack: Stack, tmp_path: Path) -> None:
    """As docker-compose.yml has it: `prometheus/rules` is the folder of the tenant."""
    own = Stack(stack.programs, tmp_path)
    (tmp_path / "rules" / "bots").mkdir(parents=True)
    for file in RULES.parent.glob("*.yml"):
        text = file.read_text().replace("interval: 30s", "interval: 2s")
        (tmp_path / "rules" / "bots" / file.name).write_text(text)
    try:
        mimir = own.start_mimir(MIMIR_RULES_DIR=str(tmp_path / "rules"))
        tell(f"{mimir}/otlp")
        wait_for(lambda: values(mimir, "bots", RATE), "Mimir's ruler to record")
        told = json.loads(ask(mimir, "bots", "/prometheus/api/v1/rules"))["data"]["groups"]
    finally:
        own.stop()
    assert {Path(group["file"]).name for group in told} == {file.name for file in RULES.parent.glob("*.yml")}


def test_a_rule_that_is_wrong_is_refused(stack: Stack) -> None:
    wrong = yaml.safe_dump({"name": "wrong", "rules": [{"record": "x", "expr": "sum("}]}).encode()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(stack.mimir, "bots", "/prometheus/config/v1/rules/whisperwatch", wrong, "application/yaml")


def test_in_production_it_stores_by_s3(stack: Stack, tmp_path: Path) -> None:
    """The configuration as it is, without the tests' variables: it is taken, and asks for the bucket."""
    done = stack.run(
        "mimir", f"-config.file={PROJECT / 'mimir' / 'config.yaml'}", "-config.expand-env=true", "-modules",
        MIMIR_DATA=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
