from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import load


def test_defaults_are_the_guides(tmp_path: Path) -> None:
    health = load({}, tmp_path).health
    assert (health.active, health.timeout_s, health.attempts, health.delay_s) == (True, 30.0, 3, 5.0)
    assert (health.critical, health.token) == ({"discord"}, None)


def test_the_guides_file(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text(
        "monitoring:\n  health_checks:\n    timeout: 20s\n    retry_attempts: 4\n    retry_delay: 2s\n"
        "    critical: [discord, databases]\n"
    )
    settings = load({}, tmp_path)
    health = settings.health
    assert (health.timeout_s, health.attempts, health.delay_s) == (20.0, 4, 2.0)
    assert health.critical == {"discord", "database"}
    assert (settings.problems, settings.warnings) == ((), ())


@pytest.mark.parametrize(
    ("given", "critical"),
    [("llm, database", {"llm", "database"}), ("none", set()), ("background_tasks", {"tasks"})],
)
def test_critical(tmp_path: Path, given: str, critical: set[str]) -> None:
    assert load({"HEALTH_CHECK_CRITICAL": given}, tmp_path).health.critical == critical


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEALTH_CHECK_CRITICAL", "heart"),
        ("HEALTH_CHECK_RETRY_ATTEMPTS", "0"),
        ("HEALTH_CHECK_TIMEOUT", "soon"),
        ("HEALTH_CHECK_TOKEN", "too-short"),
        ("HEALTH_CHECK_TOKEN", "planted secret of some length"),
    ],
)
def test_wrong_ones_are_named_and_secrets_are_not_shown(tmp_path: Path, name: str, value: str) -> None:
    settings = load({name: value}, tmp_path)
    (problem,) = settings.problems
    assert problem.name == name
    if name == "HEALTH_CHECK_TOKEN":
        assert value not in str(problem)
