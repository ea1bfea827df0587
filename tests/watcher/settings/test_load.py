from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Problem, Settings, SettingsError, load


def read(directory: Path, **environ: str) -> Settings:
    return load(environ, directory)


def test_nothing_set_is_all_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.problems, settings.warnings) == ((), ())
    assert (settings.web.enabled, settings.web.host, settings.web.port) == (True, "127.0.0.1", 9091)
    assert settings.web.interval_s == 30
    assert settings.web.live_after_s == 60
    assert settings.performance.collection_interval_s == 15
    assert (settings.export.traces, settings.export.metrics) == (None, None)
    assert settings.export.buffer_bytes == 32 * 1024 * 1024
    assert (settings.export.spool, settings.export.spool_bytes) == (True, 64 * 1024 * 1024)
    assert settings.bot == {
        "traces": True,
        "metrics": True,
        "logs": True,
        "collection_interval_s": 15.0,
        "blocked_after_s": 0.25,
        "tape_bytes": 16 * 1024 * 1024,
        "admin_guild_id": None,
        "admin_role_ids": [],
        "admin_channel_ids": [],
        "admin_user_ids": [],
    }


def test_what_waits_for_the_collector(tmp_path: Path) -> None:
    export = read(tmp_path, WHISPERWATCH_SPOOL="off", WHISPERWATCH_SPOOL_SIZE="1GB").export
    assert (export.spool, export.spool_bytes) == (False, 1024**3)
    wrong = read(tmp_path, WHISPERWATCH_SPOOL_SIZE="1KB")
    assert [problem.name for problem in wrong.problems] == ["WHISPERWATCH_SPOOL_SIZE"]


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = read(tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.disabled = True  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.web.port = 1  # type: ignore[misc]


def test_the_guides_variables(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        HEALTH_CHECK_ENABLED="false",
        HEALTH_CHECK_PORT="8081",
        HEALTH_CHECK_HOST="*",
        HEALTH_CHECK_INTERVAL="10",
        PERFORMANCE_MONITORING_ENABLED="False",
        PERFORMANCE_SAMPLING_RATE="0.25",
    )
    web = settings.web
    assert (web.enabled, web.host, web.port, web.interval_s) == (False, "*", 8081, 10.0)
    assert web.given == {"enabled", "host", "port", "interval_s"}
    assert settings.performance.sampling_rate == 0.25
    assert settings.bot["traces"] is False
    assert settings.bot["metrics"] is True
    assert settings.problems == ()


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    settings = read(tmp_path, HEALTH_CHECK_PORT="", OTEL_EXPORTER_OTLP_ENDPOINT="  ", OTEL_CONFIG_FILE="")
    assert settings == read(tmp_path)


def test_sdk_disabled_turns_everything_off(tmp_path: Path) -> None:
    settings = read(tmp_path, OTEL_SDK_DISABLED="TRUE", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318")
    assert settings.disabled
    assert (settings.bot["traces"], settings.bot["metrics"]) == (False, False)
    assert (settings.export.traces, settings.export.metrics) == (None, None)


class TestMonitoringYaml:
    def test_is_read_from_the_working_directory(self, tmp_path: Path) -> None:
        (tmp_path / "monitoring.yaml").write_text("monitoring:\n  metrics:\n    collection_interval: 5s\n")
        settings = read(tmp_path)
        assert settings.performance.collection_interval_s == 5
        assert settings.export.metric_interval_s == 5
        assert settings.bot["collection_interval_s"] == 5

    def test_is_read_from_where_the_variable_says(self, tmp_path: Path) -> None:
        elsewhere = tmp_path / "other.yml"
        elsewhere.write_text("monitoring: {metrics: {collection_interval: 20}}")
        settings = read(tmp_path, WHISPERWATCH_CONFIG=str(elsewhere))
        assert settings.performance.collection_interval_s == 20

    def test_the_standard_variable_wins_for_the_export(self, tmp_path: Path) -> None:
        (tmp_path / "monitoring.yaml").write_text("monitoring: {metrics: {collection_interval: 5s}}")
        settings = read(tmp_path, OTEL_METRIC_EXPORT_INTERVAL="2500")
        assert settings.export.metric_interval_s == 2.5
        assert settings.performance.collection_interval_s == 5

    def test_a_wrong_value_names_its_key(self, tmp_path: Path) -> None:
        (tmp_path / "monitoring.yaml").write_text("monitoring: {metrics: {collection_interval: often}}")
        (problem,) = read(tmp_path).problems
        assert (problem.name, problem.shown) == ("monitoring.metrics.collection_interval", "often")

    def test_unknown_keys_are_named_with_their_lines_and_what_would_be_right(self, tmp_path: Path) -> None:
        (tmp_path / "monitoring.yaml").write_text(
            "monitoring:\n  metrics:\n    collection_intervall: 5s\n  dashboard: 7\n  metric: {a: 1}\nbot: {token: x}\n"
        )
        told = sorted(map(str, read(tmp_path).problems))
        assert told == [
            "monitoring.yaml:3: monitoring.metrics.collection_intervall=5s is unknown; it should be "
            "monitoring.metrics.collection_interval (did you mean that?)",
            "monitoring.yaml:4: monitoring.dashboard=7 is no section; it should be a section with the keys "
            "data_retention, max_concurrent_users, refresh_interval",
            "monitoring.yaml:5: monitoring.metric.a=1 is unknown; it should be one of monitoring's keys: admin, "
            "alerting, dashboard, fleet, health_checks, logs, metrics, privacy, traces",
            "monitoring.yaml:6: bot.token=(not shown) is unknown; it should be below monitoring: or alerts:",
        ]

    @pytest.mark.parametrize(
        ("content", "wrong"),
        [
            (b"monitoring: [1, 2", "is no YAML in line 1"),
            (b"just text", "has no keys"),
            (b"\xff\xfe\x00", "can't be read (it is not UTF-8)"),
            (None, "can't be read (No such file or directory)"),
        ],
    )
    def test_a_file_that_cant_be_read_is_a_problem(
        self, tmp_path: Path, content: bytes | None, wrong: str
    ) -> None:
        path = tmp_path / "mine.yaml"
        if content is not None:
            path.write_bytes(content)
        (problem,) = read(tmp_path, WHISPERWATCH_CONFIG=str(path)).problems
        assert (problem.name, problem.shown, problem.wrong) == ("WHISPERWATCH_CONFIG", str(path), wrong)

    @pytest.mark.parametrize(
        "content", ["monitoring:", "monitoring:\n  metrics:\n  dashboard: {}\nalerts:\n"]
    )
    def test_a_section_without_keys_says_nothing(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "monitoring.yaml").write_text(content)
        assert read(tmp_path).problems == ()

    def test_an_empty_file_says_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "monitoring.yaml").touch()
        assert read(tmp_path).problems == ()


class TestWrongSettings:
    environ = {
        "HEALTH_CHECK_PORT": "http",
        "HEALTH_CHECK_ENABLED": "maybe",
        "HEALTH_CHECK_INTERVAL": "-3",
        "PERFORMANCE_SAMPLING_RATE": "50",
        "OTEL_EXPORTER_OTLP_HEADERS": "token-that-is-secret",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://user:password@host",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/does/not/exist.pem",
        "OTEL_BSP_MAX_QUEUE_SIZE": "0",
    }

    def test_all_are_named_at_once_and_defaults_are_in_force(self, tmp_path: Path) -> None:
        settings = read(tmp_path, **self.environ)
        assert {problem.name for problem in settings.problems} == set(self.environ)
        assert len(settings.problems) == len(self.environ)
        default = read(tmp_path)
        assert (settings.web, settings.export, settings.performance) == (
            default.web,
            default.export,
            default.performance,
        )

    def test_each_says_value_mistake_and_what_would_be_right(self, tmp_path: Path) -> None:
        told = {problem.name: str(problem) for problem in read(tmp_path, **self.environ).problems}
        assert told["HEALTH_CHECK_PORT"] == (
            "HEALTH_CHECK_PORT=http is no whole number; it should be a port from 0 to 65535"
        )
        assert told["HEALTH_CHECK_INTERVAL"] == (
            "HEALTH_CHECK_INTERVAL=-3 is too low; it should be a duration such as 30s, 500ms or 5m"
        )
        assert told["PERFORMANCE_SAMPLING_RATE"] == (
            "PERFORMANCE_SAMPLING_RATE=50 is too high; it should be a number from 0 to 1"
        )

    def test_secrets_are_masked(self, tmp_path: Path) -> None:
        settings = read(tmp_path, **self.environ)
        told = "\n".join([*map(str, settings.problems), *(problem.public for problem in settings.problems)])
        assert "secret" not in told
        assert "password" not in told
        assert "OTEL_EXPORTER_OTLP_HEADERS=(20 characters)" in told
        assert "ftp://***@host" in told

    def test_what_health_shows_has_no_value(self, tmp_path: Path) -> None:
        (problem,) = read(tmp_path, HEALTH_CHECK_PORT="123456").problems
        assert problem.public == "HEALTH_CHECK_PORT should be a port from 0 to 65535"

    def test_strict_raises_them_all(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError) as caught:
            load(self.environ, tmp_path, strict=True)
        assert {problem.name for problem in caught.value.problems} == set(self.environ)
        assert str(caught.value).count("\n") == len(self.environ) - 1

    def test_strict_is_content_with_right_ones(self, tmp_path: Path) -> None:
        assert load({"HEALTH_CHECK_PORT": "0"}, tmp_path, strict=True).web.port == 0

    @pytest.mark.parametrize("name", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"])
    def test_configuration_by_file_is_refused_by_name(self, tmp_path: Path, name: str) -> None:
        (problem,) = load({name: "otel.yaml"}, tmp_path).problems
        assert problem.name == name
        assert "install the SDK's providers" in problem.right


def test_the_standard_sampler_wins_and_that_is_said(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, PERFORMANCE_SAMPLING_RATE="0.5", OTEL_TRACES_SAMPLER="always_on").warnings
    assert warning == "PERFORMANCE_SAMPLING_RATE has no effect: OTEL_TRACES_SAMPLER is set, and wins"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "9464",
            "OTEL_EXPORTER_PROMETHEUS_PORT has no effect: `/metrics` is at",
        ),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "9", "LIMIT has no effect: a log record has at most 32"),
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "abc",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=abc has no effect: it is no whole",
        ),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=-3 has no effect"),
        (
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "always_on",
            "OTEL_METRICS_EXEMPLAR_FILTER=always_on is taken as trace_based",
        ),
    ],
)
def test_variables_of_opentelemetry_that_do_not_work_here_are_named(
    tmp_path: Path, name, value, said
) -> None:
    (warning,) = read(tmp_path, **{name: value}).warnings
    assert said in warning


@pytest.mark.parametrize("value", ["7", "0", "", " 12 "])
def test_limits_that_are_right_are_not_spoken_of(tmp_path: Path, value: str) -> None:
    assert read(tmp_path, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=value).warnings == ()


class TestMisspeltVariables:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("HEALTH_CHECK_PROT", "HEALTH_CHECK_PORT"),
            ("HEALTHCHECK_PORT", "HEALTH_CHECK_PORT"),
            ("PERFORMANCE_SAMPLE_RATE", "PERFORMANCE_SAMPLING_RATE"),
            ("WHISPERWATCH_LINGR", "WHISPERWATCH_LINGER"),
            ("WHISPERWATCH_STATEDIR", "WHISPERWATCH_STATE_DIR"),
        ],
    )
    def test_are_named_with_the_one_that_was_meant(self, tmp_path: Path, name: str, meant: str) -> None:
        settings = load({name: "1"}, tmp_path)
        assert settings.warnings == (f"{name} is unknown and has no effect: did you mean {meant}?",)
        assert settings.problems == ()

    @pytest.mark.parametrize(
        "name", ["MONITORING_CONFIG", "WHISPERWATCH_STATE_DIR", "PERFORMANCE_CARS", "PATH"]
    )
    def test_others_are_left_alone(self, tmp_path: Path, name: str) -> None:
        assert load({name: "1"}, tmp_path).warnings == ()

    def test_an_unknown_one_of_ours_is_named_even_if_nothing_is_near(self, tmp_path: Path) -> None:
        assert load({"WHISPERWATCH_QX": "1"}, tmp_path).warnings == (
            "WHISPERWATCH_QX is unknown and has no effect",
        )


def test_the_environment_is_that_of_the_process_by_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PORT", "7777")
    monkeypatch.chdir(tmp_path)
    assert load().web.port == 7777


def test_a_problem_is_counted_once_though_two_signals_read_it(tmp_path: Path) -> None:
    assert read(tmp_path, OTEL_EXPORTER_OTLP_TIMEOUT="soon").problems == (
        Problem(
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "soon",
            "is no duration",
            "a duration such as 30s, or a number of milliseconds",
        ),
    )
