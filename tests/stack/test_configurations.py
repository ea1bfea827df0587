"""Each program takes the configuration that the repository has for it, by its own check."""

from __future__ import annotations

from pathlib import Path

from tests.stack.programs import PROJECT, Stack


def test_prometheus(stack: Stack) -> None:
    done = stack.run("promtool", "check", "config", str(PROJECT / "prometheus" / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager(stack: Stack) -> None:
    done = stack.run("amtool", "check-config", str(PROJECT / "alertmanager" / "alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_loki(stack: Stack, tmp_path: Path) -> None:
    done = stack.run(
        "loki", f"-config.file={PROJECT / 'loki' / 'config.yaml'}", "-config.expand-env=true", "-verify-config",
        LOKI_DATA=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_collector(stack: Stack, tmp_path: Path) -> None:
    config = PROJECT / "otel-collector" / "config.yaml"
    done = stack.run("otelcol", "validate", f"--config={config}", COLLECTOR_DATA=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_one_is_refused(stack: Stack, tmp_path: Path) -> None:
    """The checks above can fail."""
    wrong = tmp_path / "config.yaml"
    wrong.write_text(
        (PROJECT / "otel-collector" / "config.yaml").read_text().replace("otlphttp/loki", "otlphttp/lokki", 1)
    )
    assert stack.run("otelcol", "validate", f"--config={wrong}", COLLECTOR_DATA=str(tmp_path)).returncode != 0
