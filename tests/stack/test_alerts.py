"""The way of alerts: from a rule, through Prometheus, to Alertmanager."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.stack import otlp
from tests.stack.programs import PROJECT, Stack, wait_for


def test_it_leads_to_alertmanager(stack: Stack, tmp_path: Path) -> None:
    """What always fires arrives, and a bot that was there and isn't, and none that is."""
    shutil.copytree(PROJECT / "prometheus" / "rules", tmp_path / "rules")
    _sooner(tmp_path / "rules" / "presence.yml", "for: 1m", "for: 0s")
    config = tmp_path / "prometheus.yml"
    shutil.copy(PROJECT / "prometheus" / "prometheus.yml", config)
    _sooner(config, "evaluation_interval: 15s", "evaluation_interval: 1s")
    _sooner(config, "alertmanager:9093", stack.alertmanager.removeprefix("http://"))
    own = Stack(stack.programs, tmp_path)
    try:
        prometheus = own.start_prometheus(config)
        now = time.time()
        _alive(prometheus, "gone", now - 600)
        _alive(prometheus, "there", now)
        wait_for(lambda: len(_alerts(stack.alertmanager)) >= 2, "the alerts to arrive")
        found = {
            (alert["labels"]["alertname"], alert["labels"].get("job"))
            for alert in _alerts(stack.alertmanager)
        }
        assert found == {("Watchdog", None), ("BotAbsent", "gone")}
    finally:
        own.stop()


def _sooner(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def _alive(prometheus: str, service: str, at: float) -> None:
    resource = {"service.name": service, "service.instance.id": "one"}
    request = otlp.gauge("process.uptime", "s", 5.0, int(at * 1e9), resource)
    otlp.post(f"{prometheus}/api/v1/otlp/v1/metrics", request.SerializeToString())


def _alerts(alertmanager: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{alertmanager}/api/v2/alerts", timeout=10) as response:
        found: list[dict[str, Any]] = json.load(response)
    return found
