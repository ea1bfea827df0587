"""Each program takes the configuration that the repository has for it, by its own check."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.stack.programs import COLLECTOR, PROJECT, Stack

PROMETHEUS = PROJECT / "prometheus"
NOT_IN_OUR_BUILD = {"elasticsearch.yaml", "splunk.yaml", "syslog.yaml"}
"""Overlays whose exporters no Go module carries; `tests/test_stack_files.py` looks at their keys."""
ENVIRONMENT = {"OTLP_URL": "https://otlp.example"}


@pytest.mark.parametrize("name", ["prometheus.yml", "scrape.yml"])
def test_prometheus(stack: Stack, name: str) -> None:
    done = stack.run("promtool", "check", "config", str(PROMETHEUS / name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


@pytest.mark.parametrize("file", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda file: file.name)
def test_rules(stack: Stack, file: Path) -> None:
    done = stack.run("promtool", "test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_says_something_else_fails(stack: Stack, tmp_path: Path) -> None:
    rules = (PROMETHEUS / "rules" / "recording.yml").read_text().replace("0.95", "0.5")
    tests = (PROMETHEUS / "tests" / "recording.yml").read_text().replace("../rules/", "")
    (tmp_path / "recording.yml").write_text(rules)
    (tmp_path / "test.yml").write_text(tests)
    assert stack.run("promtool", "test", "rules", str(tmp_path / "test.yml")).returncode != 0


def test_alertmanager(stack: Stack) -> None:
    done = stack.run("amtool", "check-config", str(PROJECT / "alertmanager" / "alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "fleet",
    [{}, {"LOKI_STORE": "s3", "LOKI_LOOK_BACK": "0s", "LOKI_TENANTS": "true"}],
    ids=["alone", "fleet"],
)
def test_loki(stack: Stack, tmp_path: Path, fleet: dict[str, str]) -> None:
    done = stack.run(
        "loki", f"-config.file={PROJECT / 'loki' / 'config.yaml'}", "-config.expand-env=true", "-verify-config",
        LOKI_DATA=str(tmp_path), **fleet,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_collector(stack: Stack, tmp_path: Path) -> None:
    done = stack.run(
        "otelcol", "validate", f"--config={COLLECTOR / 'config.yaml'}", COLLECTOR_DATA=str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "overlay", sorted((COLLECTOR / "overlays").glob("*.yaml")), ids=lambda overlay: overlay.name
)
def test_overlays(stack: Stack, overlay: Path, tmp_path: Path) -> None:
    configurations = [f"--config={COLLECTOR / 'config.yaml'}", f"--config={overlay}"]
    done = stack.run("otelcol", "validate", *configurations, COLLECTOR_DATA=str(tmp_path), **ENVIRONMENT)
    if overlay.name in NOT_IN_OUR_BUILD:
        assert "unknown type" in done.stderr, "it can be tried now"
    else:
        assert done.returncode == 0, done.stdout + done.stderr


def test_overlays_together(stack: Stack, tmp_path: Path) -> None:
    """Any number of them: none takes away what another has put in."""
    names = ("config.yaml", "overlays/tail-sampling.yaml", "overlays/otlp.yaml")
    configurations = [f"--config={COLLECTOR / name}" for name in names]
    done = stack.run("otelcol", "validate", *configurations, COLLECTOR_DATA=str(tmp_path), **ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_one_is_refused(stack: Stack, tmp_path: Path) -> None:
    """The checks above can fail."""
    wrong = tmp_path / "config.yaml"
    wrong.write_text((COLLECTOR / "config.yaml").read_text().replace("otlp_http/loki", "otlp_http/lokki", 1))
    assert stack.run("otelcol", "validate", f"--config={wrong}", COLLECTOR_DATA=str(tmp_path)).returncode != 0


def test_compose_for_a_fleet(stack: Stack) -> None:
    """What docker/scale.env sets is in force: Mimir is asked, and the stores have tenants and their data in S3."""
    files = ("-f", str(PROJECT / "docker-compose.yml"), "--env-file", str(PROJECT / "docker" / "scale.env"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
    done = stack.run("docker-compose", *files, "config", "--format", "json", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    services = json.loads(done.stdout)["services"]
    assert {"mimir", "objects", "balancer", "gateway-1", "gateway-2"} <= services.keys()
    assert (
        services["loki"]["environment"]["LOKI_STORE"]
        == services["tempo"]["environment"]["TEMPO_STORE"]
        == "s3"
    )
    assert services["bot"]["environment"]["PROMETHEUS_URL"] == "http://mimir:9009/prometheus"
    assert services["bot"]["environment"]["DEMO_OTLP_ENDPOINT"] == "http://balancer:4318"
    assert services["gateway-1"]["environment"]["TENANT"] == services["grafana"]["environment"]["TENANT"]


@pytest.mark.parametrize("profiles", ["", "bot", "bot,scale,elastic,splunk"])
def test_compose(stack: Stack, profiles: str) -> None:
    """By `docker compose config`, as users have it: with the committed .env, and nothing else set."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
    done = stack.run(
        "docker-compose", "-f", str(PROJECT / "docker-compose.yml"), "config", "--quiet",
        **environment, COMPOSE_PROFILES=profiles,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
