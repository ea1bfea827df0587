"""The stack's files, as far as that can be told without running it: tests/stack runs what can be run."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools import stack_tools

PROJECT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VERSIONS = {tool.name: tool.version for tool in stack_tools.TOOLS}
NATIVE = {
    # Prometheus' modules are v0.316.0 where it is v3.16.0
    "prom/prometheus": "v3." + str(int(VERSIONS["prometheus"].split(".")[1]) - 300) + ".0",
    "prom/alertmanager": VERSIONS["alertmanager"],
    "grafana/loki": VERSIONS["loki"].removeprefix("v"),
    "otel/opentelemetry-collector-contrib": VERSIONS["otelcol"].removeprefix("v"),
}
SETS_ITSELF_UP = {"splunk"}
WRITES_BESIDE_ITS_PROGRAMS = {"elasticsearch", "kibana"}

QUEUE = {"storage", "sizer", "queue_size", "num_consumers", "batch"}
RETRY = {"enabled", "initial_interval", "max_interval", "max_elapsed_time"}
TLS = {"insecure", "insecure_skip_verify"}
KNOWN = {
    "elasticsearch": {
        "endpoints", "api_key", "sending_queue.*", "retry.enabled", "retry.max_retries", "retry.max_interval",
        "retry.retry_on_status",
    },
    "splunk_hec": {
        "endpoint", "token", "source", "sourcetype", "index", "tls.*", "sending_queue.*", "retry_on_failure.*",
    },
    "syslog": {
        "endpoint", "port", "network", "protocol", "enable_octet_counting", "tls.*", "sending_queue.*",
        "retry_on_failure.*",
    },
    "loadbalancing": {
        "routing_key", "resolver.dns.hostname", "resolver.dns.port", "resolver.dns.interval", "resolver.dns.timeout",
        "protocol.otlp.timeout", "protocol.otlp.tls.*", "protocol.otlp.sending_queue.enabled",
        "protocol.otlp.retry_on_failure.enabled", "sending_queue.*", "retry_on_failure.*",
    },
}  # fmt: skip
"""What the exporters that we can't run take, by their `config.schema.yaml` in opentelemetry-collector-contrib."""


def test_images_are_what_is_tried_natively() -> None:
    images = dict(service["image"].split(":") for service in SERVICES.values() if ":" in service["image"])
    assert {name: images[name] for name in NATIVE} == NATIVE
    # the demo takes the newest of its major version
    assert images["chromadb/chroma"].split(".")[0] == importlib.metadata.version("chromadb").split(".")[0]
    assert all(version[0].isdigit() or version[0] == "v" for version in images.values()), "a tag that moves"


def test_only_loopback_is_reached() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) > 8
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_each_has_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    if name in SETS_ITSELF_UP:
        return
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name not in WRITES_BESIDE_ITS_PROGRAMS)


def test_each_that_stays_is_asked_how_it_is() -> None:
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert without == {
        "prepare",
        "buckets",
        "elastic-users",
        "splunk",
    }  # three that end, and one whose image brings its own


def test_nobody_starts_before_what_it_needs_is_well() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            ends = SERVICES[other].get("restart") == "no"
            wanted = "service_completed_successfully" if ends else "service_healthy"
            assert how["condition"] == wanted, (name, other)
            # not needed where its profile is off
            assert how.get("required", True) or "profiles" in SERVICES[other], (name, other)


def test_volumes_are_named_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {volume for volume in used if not volume.startswith(".")} == COMPOSE["volumes"].keys()
    missing = [volume for volume in used if volume.startswith("./") and not (PROJECT / volume).exists()]
    assert missing == []


def test_no_password_is_written_down() -> None:
    """They are made on first use, or asked for: a variable's default is empty."""
    for service in SERVICES.values():
        for key, value in (service.get("environment") or {}).items():
            if "PASSWORD" in key or "TOKEN" in key:
                assert key.endswith("FILE") or value == f"${{{key}:-}}", key
    assert (PROJECT / ".env").read_text(encoding="utf-8").splitlines()[-1] == "COMPOSE_PROFILES=bot"


def test_what_a_fleet_sets_is_asked_for() -> None:
    """Each variable of docker/scale.env is one that the compose file has, and none is a secret."""
    compose = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
    lines = (PROJECT / "docker" / "scale.env").read_text(encoding="utf-8").splitlines()
    names = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert {name for name in names if f"${{{name}:-" not in compose} == {"COMPOSE_PROFILES"}


@pytest.mark.parametrize("script", sorted((PROJECT / "docker").glob("*.sh")), ids=lambda script: script.name)
def test_scripts_are_scripts(script: Path) -> None:
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


def test_passwords_are_made_once(tmp_path: Path) -> None:
    """What docker/prepare.sh makes stays as it is, and belongs to whom it should."""
    for room in ("secrets", "tools", "owned/queue-10001", "elastic", "bin"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "bin" / "busybox").write_text("a program")
    owners = tmp_path / "owners"
    chown = tmp_path / "bin" / "chown"  # only root may
    chown.write_text(f'#!/bin/sh\necho "$@" >>{owners}\n')
    chown.chmod(0o755)

    def prepare() -> dict[str, str]:
        command = ["sh", PROJECT / "docker" / "prepare.sh", tmp_path]
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        (tmp_path / "elastic" / "elastic").unlink(missing_ok=True)
        for file in (tmp_path / "secrets").glob("*[-.]*"):
            file.unlink()  # root may write what others may only read
        subprocess.run(command, env={**os.environ, "PATH": path}, check=True)
        return {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}

    first = prepare()
    assert prepare() == first
    assert len(first["postgres"]) == 32
    assert first["postgres"] in first["database-url"]
    assert f"requirepass {first['redis']}\n" in first["redis.conf"]
    assert len({first[name] for name in ("postgres", "redis", "grafana", "elastic", "kibana", "s3")}) == 6
    (identity,) = json.loads(first["s3.json"])["identities"]
    assert identity["credentials"] == [{"accessKey": "stores", "secretKey": first["s3"]}]
    assert f"aws_secret_access_key = {first['s3']}\n" in first["s3-credentials"]
    assert (tmp_path / "elastic" / "elastic").read_text() == first["elastic"]
    assert owners.read_text().splitlines()[:2] == ["1000 elastic/elastic", "10001 owned/queue-10001"]


def test_the_demos_image_has_what_it_needs() -> None:
    """The Dockerfile copies what .dockerignore lets through, and installs an extra that there is."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    allowed = [
        line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    assert all(name in dockerfile for name in allowed)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"demo-bot", "charts"} <= project["optional-dependencies"].keys()
    assert "[demo-bot,charts]" in dockerfile
    assert "\nUSER whisperwatch\n" in dockerfile


@pytest.mark.parametrize(
    "name", ["overlays/elasticsearch", "overlays/splunk", "overlays/syslog", "gateway/balancer"]
)
def test_keys_of_what_cannot_be_run(name: str) -> None:
    config = yaml.safe_load((PROJECT / "otel-collector" / f"{name}.yaml").read_text(encoding="utf-8"))
    for exporter, settings in config["exporters"].items():
        known = KNOWN[exporter.partition("/")[0]]
        for path in _paths(settings):
            parent, _, key = path.rpartition(".")
            group = {"sending_queue": QUEUE, "retry_on_failure": RETRY, "tls": TLS}.get(
                parent.rpartition(".")[2]
            )
            assert path in known or (f"{parent}.*" in known and group and key in group), path


def _paths(settings: dict[str, Any], within: str = "") -> Iterator[str]:
    for key, value in settings.items():
        path = f"{within}{key}"
        if isinstance(value, dict) and key != "batch":
            yield from _paths(value, f"{path}.")
        else:
            yield path
