"""Every variable and YAML key of the monitoring guide, with the values that the guide gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Settings, load
from whisperwatch.watcher.settings.guide import (
    Alerting,
    Channels,
    Dashboard,
    Thresholds,
)

ENVIRONMENT = {
    "HEALTH_CHECK_ENABLED": "true",
    "HEALTH_CHECK_PORT": "9091",
    "HEALTH_CHECK_INTERVAL": "30",
    "PERFORMANCE_MONITORING_ENABLED": "true",
    "PERFORMANCE_METRICS_RETENTION": "7d",
    "PERFORMANCE_SAMPLING_RATE": "1.0",
    "ERROR_TRACKING_ENABLED": "true",
    "ERROR_PATTERN_DETECTION": "true",
    "ERROR_RETENTION_PERIOD": "30d",
    "ENABLE_WEB_DASHBOARD": "true",
    "DASHBOARD_PORT": "8080",
    "DASHBOARD_SECRET_KEY": "your-secure-key",
    "DASHBOARD_SESSION_TIMEOUT": "24h",
    "ALERTING_ENABLED": "true",
    "ALERT_EVALUATION_INTERVAL": "60s",
    "ALERT_NOTIFICATION_TIMEOUT": "30s",
    "ALERT_DISCORD_ENABLED": "true",
    "ALERT_DISCORD_WEBHOOK": "https://discord.com/api/webhooks/...",
    "ALERT_EMAIL_ENABLED": "true",
    "ALERT_EMAIL_SMTP_HOST": "smtp.company.com",
    "ALERT_EMAIL_TO": "admin@company.com",
    "ALERT_SLACK_ENABLED": "true",
    "ALERT_SLACK_WEBHOOK": "https://hooks.slack.com/services/...",
    "ALERT_PAGERDUTY_ENABLED": "true",
    "ALERT_PAGERDUTY_INTEGRATION_KEY": "your-integration-key",
}
MONITORING = """\
# monitoring.yaml
monitoring:
  health_checks:
    timeout: 30s
    retry_attempts: 3
    retry_delay: 5s

  metrics:
    collection_interval: 15s
    retention_period: 30d
    high_resolution_period: 6h

  alerting:
    evaluation_interval: 60s
    group_wait: 30s
    group_interval: 5m
    repeat_interval: 12h

  dashboard:
    refresh_interval: 30s
    data_retention: 24h
    max_concurrent_users: 10
"""
ALERTS = """\
# alerts.yaml
alerts:
  system:
    cpu_threshold: 80  # Alert when CPU usage exceeds 80%
    memory_threshold: 90
    disk_threshold: 85

  application:
    error_rate_threshold: 5
    response_time_threshold: 2000

  business:
    user_drop_threshold: 20
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "monitoring.yaml").write_text(MONITORING)
    (tmp_path / "alerts.yaml").write_text(ALERTS)
    return load(ENVIRONMENT, tmp_path)


def test_the_guides_own_example_is_right(settings: Settings) -> None:
    assert (settings.problems, settings.warnings) == ((), ())
    assert ENVIRONMENT.keys() <= settings.values.keys()
    assert {str(settings.values[name].origin) for name in ENVIRONMENT} == {"environment"}


def test_each_value_has_its_unit(settings: Settings) -> None:
    dashboard, alerting = map(settings.group, (Dashboard, Alerting))
    keeping = settings.keeping
    assert (keeping.fine_s, keeping.metrics_s, keeping.raw_s) == (7 * 86400, 30 * 86400, 6 * 3600)
    assert (dashboard.session_s, dashboard.data_s, dashboard.users) == (86400, 86400, 10)
    assert (alerting.group_interval_s, alerting.repeat_s) == (300, 43200)
    assert settings.group(Thresholds).response_s == 2.0
    assert settings.group(Channels).email_to == ("admin@company.com",)


def test_each_yaml_value_knows_its_file_and_line(settings: Settings) -> None:
    assert str(settings.values["monitoring.metrics.high_resolution_period"].origin) == "monitoring.yaml:11"
    assert str(settings.values["alerts.system.disk_threshold"].origin) == "alerts.yaml:6"


def test_yaml_speaks_where_no_variable_does(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("monitoring: {health_checks: {timeout: 2m, interval: 10s}}")
    settings = load({}, tmp_path)
    assert settings.health.timeout_s == 120
    assert settings.web.interval_s == 10


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("DASHBOARD_PORT", "80800", "is too high"),
        ("ERROR_RETENTION_PERIOD", "30 moons", "is no duration"),
        ("ALERT_SLACK_WEBHOOK", "http://hooks.slack.com/x", "is no https URL"),
        ("ALERT_EMAIL_TO", "admin", "is no email address"),
        ("ALERT_EMAIL_SMTP_HOST", "smtp host", "is no host"),
        ("ENABLE_WEB_DASHBOARD", "perhaps", "is neither true nor false"),
    ],
)
def test_what_is_not_yet_used_is_checked_all_the_same(
    tmp_path: Path, name: str, value: str, wrong: str
) -> None:
    (problem,) = load({name: value}, tmp_path).problems
    assert (problem.name, problem.wrong) == (name, wrong)


def test_thresholds_are_percentages(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "alerts:\n  system:\n    cpu_threshold: 101\n    memory_threshold: [90]\n    disk_threshold: 85%\n"
    )
    settings = load({}, tmp_path)
    assert [str(problem) for problem in settings.problems] == [
        "alerts.yaml:3: alerts.system.cpu_threshold=101 is too high; it should be a number from 0 to 100",
        "alerts.yaml:4: alerts.system.memory_threshold=[90] is no number; it should be a number from 0 to 100",
    ]
    assert settings.group(Thresholds).disk == 85


@pytest.mark.parametrize("name", ["HEALTH_CHECK_ENABLED", "ERROR_TRACKING_ENABLED", "ALERTING_ENABLED"])
def test_a_command_can_say_what_it_is_off_by(tmp_path: Path, name: str) -> None:
    assert load({name: "false"}, tmp_path).off_by(name) == f"off by {name}=false (environment)"
    assert load({}, tmp_path).off_by(name) is None


def test_what_is_off_by_default_says_so_too(tmp_path: Path) -> None:
    assert load({}, tmp_path).off_by("ENABLE_WEB_DASHBOARD") == "off by ENABLE_WEB_DASHBOARD=false (default)"
