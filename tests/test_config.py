"""`whisperwatch config`, as people call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Current, Overrides, known


def config(directory: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    command = [sys.executable, "-m", "whisperwatch", "config", *arguments]
    return subprocess.run(command, cwd=directory, env=keep | environ, capture_output=True, text=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "monitoring.yaml").write_text("monitoring:\n  dashboard:\n    refresh_interval: 1m\n")
    (tmp_path / ".whisperwatch").mkdir()
    Overrides(tmp_path / ".whisperwatch" / "overrides.json", known()).set("HEALTH_CHECK_INTERVAL", "5")
    return tmp_path


def test_each_value_and_where_it_came_from(home: Path) -> None:
    done = config(home, HEALTH_CHECK_PORT="9200", HEALTH_CHECK_INTERVAL="7")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines()}
    assert lines["HEALTH_CHECK_PORT"] == "9200 environment"
    assert lines["HEALTH_CHECK_INTERVAL"] == "5s override"
    assert lines["HEALTH_CHECK_ENABLED"] == "true default"
    assert (
        lines["monitoring.dashboard.refresh_interval"]
        == "60s monitoring.yaml:3 not yet used: the web dashboard"
    )
    assert lines.keys() >= {"OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ALERT_SLACK_WEBHOOK"}


def test_one_by_its_variable_or_its_key(home: Path) -> None:
    for name in ("HEALTH_CHECK_INTERVAL", "monitoring.health_checks.interval"):
        done = config(home, name)
        assert (done.returncode, done.stdout) == (0, "HEALTH_CHECK_INTERVAL  5s  override\n")


def test_an_unknown_name(home: Path) -> None:
    done = config(home, "HEALTH_CHECK_PROT")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "there is no setting HEALTH_CHECK_PROT: did you mean HEALTH_CHECK_PORT?\n"


def test_json_with_secrets_masked(home: Path) -> None:
    (home / "key").write_text("swordfish\n")
    done = config(
        home,
        "--json",
        DASHBOARD_SECRET_KEY_FILE="key",
        ALERT_SLACK_WEBHOOK="https://hooks.slack.com/services/tuna",
        OTEL_EXPORTER_OTLP_ENDPOINT="https://me:salmon@collector:4318",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20trout",
    )
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["DASHBOARD_SECRET_KEY"] == {
        "name": "DASHBOARD_SECRET_KEY",
        "value": "(set, not shown)",
        "shown": "(set, not shown)",
        "from": "environment",
        "secret": True,
        "not yet used": "the web dashboard",
    }
    assert rows["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"] == "https://***@collector:4318"
    assert rows["HEALTH_CHECK_PORT"]["value"] == 9091
    assert not [
        word for word in ("swordfish", "tuna", "salmon", "trout") if word in done.stdout + done.stderr
    ]


def test_mistakes_go_to_stderr_with_file_and_line(home: Path) -> None:
    (home / "monitoring.yaml").write_text("monitoring:\n  dashbord: {refresh_interval: 1m}\n")
    done = config(home, "HEALTH_CHECK_PORT", HEALTH_CHECK_PORT="no")
    assert done.returncode == 1
    assert done.stdout == "HEALTH_CHECK_PORT  9091  default\n"
    assert "error: monitoring.yaml:2: monitoring.dashbord.refresh_interval=1m is unknown" in done.stderr
    assert "error: HEALTH_CHECK_PORT=no is no whole number" in done.stderr


def test_beside_the_bot(home: Path) -> None:
    (home / "elsewhere").mkdir()
    done = config(home / "elsewhere", "HEALTH_CHECK_INTERVAL", "--bot", "../bot.py")
    assert done.stdout == "HEALTH_CHECK_INTERVAL  5s  override\n"


def test_those_of_the_watcher_that_runs(home: Path) -> None:
    done = config(home, "--running")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no watcher" in done.stderr
    Current({"HEALTH_CHECK_PORT": "9300"}, home, home / ".whisperwatch")
    done = config(home, "--running", "HEALTH_CHECK_PORT", HEALTH_CHECK_PORT="9200")
    assert (done.returncode, done.stdout) == (0, "HEALTH_CHECK_PORT  9300  environment\n")
