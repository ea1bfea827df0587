"""Who wins, secrets in files, and the places where files are looked for."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from whisperwatch.watcher.settings import OverrideError, Overrides, known, load
from whisperwatch.watcher.settings.guide import Dashboard
from whisperwatch.watcher.settings.overrides import Override
from whisperwatch.watcher.settings.table import rows

NAME, KEY = "HEALTH_CHECK_INTERVAL", "monitoring.health_checks.interval"


@pytest.fixture
def overrides(tmp_path: Path) -> Overrides:
    return Overrides(tmp_path / "overrides.json", known())


def test_override_code_environment_file_default_in_this_order(tmp_path: Path, overrides: Overrides) -> None:
    (tmp_path / "monitoring.yaml").write_text("monitoring:\n  health_checks:\n    interval: 4\n")
    overrides.set(NAME, "1s")

    def read(*layers: str) -> tuple[float, str]:
        settings = load(
            {NAME: "3"} if "environment" in layers else {},
            tmp_path if "file" in layers else tmp_path / "elsewhere",
            code={KEY: 2} if "code" in layers else {},
            overrides=overrides.path if "override" in layers else None,
        )
        assert settings.problems == ()
        return settings.web.interval_s, str(settings.values[NAME].origin)

    assert read("override", "code", "environment", "file") == (1, "override")
    assert read("code", "environment", "file") == (2, "code")
    assert read("environment", "file") == (3, "environment")
    assert read("file") == (4, "monitoring.yaml:3")
    assert read() == (30, "default")


class TestOverrides:
    def test_outlive_a_restart(self, overrides: Overrides) -> None:
        before = time.time()
        overrides.set(NAME, "10s", by="terminal")
        overrides.set("HEALTH_CHECK_RETRY_ATTEMPTS", 2)
        again = Overrides(overrides.path, known())
        names = NAME, "HEALTH_CHECK_RETRY_ATTEMPTS", "ALERTING_ENABLED"
        assert tuple(map(again.get, names)) == ("10s", 2, None)
        assert again.all()[NAME].by == "terminal"
        assert before <= again.all()[NAME].at <= time.time()
        assert stat.S_IMODE(overrides.path.stat().st_mode) == 0o600
        assert [path.name for path in overrides.path.parent.iterdir()] == ["overrides.json"]

    def test_can_be_taken_back(self, overrides: Overrides) -> None:
        overrides.set(NAME, "10s")
        assert overrides.remove(NAME)
        assert not overrides.remove(NAME)
        assert overrides.get(NAME) is None

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            (NAME, "soon", "HEALTH_CHECK_INTERVAL=soon is no duration; it should be a duration such as 30s"),
            (
                "HEALTH_CHECK_INTERVALL",
                "1s",
                "no setting HEALTH_CHECK_INTERVALL: did you mean HEALTH_CHECK_INTERVAL?",
            ),
            ("DASHBOARD_SECRET_KEY", "swordfish", "is a secret: set it in the environment"),
            ("PERFORMANCE_SAMPLING_RATE", "0.5", "is read in the bot's process too"),
            ("HEALTH_CHECK_HOST", "*", "can't be set at run time"),
            ("ALERTING_ENABLED", "true", "is not used yet"),
        ],
    )
    def test_what_cant_be_set_is_refused_and_nothing_is_written(
        self, overrides: Overrides, name: str, value: str, said: str
    ) -> None:
        with pytest.raises(OverrideError) as refused:
            overrides.set(name, value)
        assert said in str(refused.value)
        assert "swordfish" not in str(refused.value)
        assert not overrides.path.exists()

    @pytest.mark.parametrize("content", ["{", "[1]", '{"HEALTH_CHECK_PORT": {}}', "\udcff", "[" * 100_000])
    def test_a_broken_file_is_a_problem_and_says_nothing(self, overrides: Overrides, content: str) -> None:
        overrides.path.write_bytes(content.encode("utf-8", "surrogateescape"))
        (problem,) = load({}, overrides.path.parent, overrides=overrides.path).problems
        assert (problem.name, problem.place) == ("overrides.json", "overrides.json")
        with pytest.raises(OverrideError, match=r"overrides\.json"):
            overrides.set(NAME, "1s")

    def test_a_value_alone_as_written_by_hand_counts(self, overrides: Overrides) -> None:
        overrides.path.write_text(json.dumps({NAME: "10s"}))
        settings = load({}, overrides.path.parent, overrides=overrides.path)
        assert (settings.web.interval_s, settings.problems) == (10.0, ())
        assert overrides.all()[NAME] == Override("10s")

    def test_what_an_older_version_left_is_named(self, overrides: Overrides) -> None:
        overrides.path.write_text(json.dumps({"HEALTH_CHECK_INTERVALS": "1s", NAME: "never"}))
        unknown, wrong = load({}, overrides.path.parent, overrides=overrides.path).problems
        assert (unknown.name, unknown.right) == ("HEALTH_CHECK_INTERVALS", f"{NAME} (did you mean that?)")
        assert (wrong.name, wrong.place) == (NAME, "override")
        assert overrides.remove("HEALTH_CHECK_INTERVALS")


class TestCode:
    def test_an_unknown_name_and_one_of_the_bots_are_named(self, tmp_path: Path) -> None:
        settings = load({}, tmp_path, code={"HEALTH_CHECK_PROT": 1, "WHISPERWATCH_WATCHER": "off"})
        assert [str(problem) for problem in settings.problems] == [
            "code: HEALTH_CHECK_PROT=(not shown) is unknown; it should be HEALTH_CHECK_PORT (did you mean that?)",
            "code: WHISPERWATCH_WATCHER=(not shown) is read in the bot's process too, from the environment alone; it "
            "should be set in the environment",
        ]
        assert settings.process.mode == "process"


class TestSecrets:
    def test_may_be_in_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("swordfish\n")
        settings = load({"DASHBOARD_SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path)
        assert (settings.problems, settings.warnings) == ((), ())
        assert settings.group(Dashboard).secret_key == "swordfish"
        assert "swordfish" not in json.dumps(rows(settings))

    def test_otlp_headers_too(self, tmp_path: Path) -> None:
        (tmp_path / "headers").write_text("authorization=Bearer%20x\r\n")
        environ = {
            "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
        }
        export = load(environ, tmp_path).export
        assert export.traces is not None
        assert export.traces.headers == (("authorization", "Bearer x"),)

    def test_both_ways_at_once_is_a_mistake_that_names_both(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("swordfish")
        environ = {"DASHBOARD_SECRET_KEY": "tuna", "DASHBOARD_SECRET_KEY_FILE": str(tmp_path / "key")}
        settings = load(environ, tmp_path)
        assert [str(problem) for problem in settings.problems] == [
            "DASHBOARD_SECRET_KEY=(not shown) and DASHBOARD_SECRET_KEY_FILE are both set; it should be one of the two"
        ]
        assert settings.group(Dashboard).secret_key is None

    @pytest.mark.parametrize(
        ("content", "wrong"),
        [
            (None, "can't be read (No such file or directory)"),
            (b"\n", "is empty"),
            (b"\xff", "can't be read ("),
        ],
    )
    def test_a_file_that_gives_none_is_named(self, tmp_path: Path, content: bytes | None, wrong: str) -> None:
        path = tmp_path / "key"
        if content is not None:
            path.write_bytes(content)
        (problem,) = load({"DASHBOARD_SECRET_KEY_FILE": str(path)}, tmp_path).problems
        assert (problem.name, problem.shown) == ("DASHBOARD_SECRET_KEY_FILE", str(path))
        assert problem.wrong.startswith(wrong)


class TestWhereFilesAre:
    @pytest.fixture
    def bot(self, tmp_path: Path) -> Path:
        for name, port in (("bot", 1), ("cwd", 2), ("named", 3)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "monitoring.yaml").write_text(
                f"monitoring: {{health_checks: {{interval: {port}}}}}"
            )
        return tmp_path

    def test_beside_the_bot_then_the_working_directory_unless_one_is_named(self, bot: Path) -> None:
        both = [bot / "bot", bot / "cwd"]
        named = str(bot / "named" / "monitoring.yaml")
        assert load({}, both).web.interval_s == 1
        (bot / "bot" / "monitoring.yaml").unlink()
        assert load({}, both).web.interval_s == 2
        assert load({"WHISPERWATCH_CONFIG": named}, both).web.interval_s == 3
        other = {"MONITORING_CONFIG": named, "WHISPERWATCH_CONFIG": "/nowhere.yaml"}
        assert load(other, both).web.interval_s == 3

    def test_a_key_in_both_files_is_a_mistake(self, bot: Path) -> None:
        (bot / "alerts.yaml").write_text("\nmonitoring: {health_checks: {interval: 5}}")
        settings = load({"MONITORING_CONFIG": str(bot / "cwd" / "monitoring.yaml")}, bot)
        (problem,) = settings.problems
        assert (problem.place, problem.wrong) == ("alerts.yaml:2", "is in monitoring.yaml:1 too")


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [*a]",
        "a: &a {b: *a}",
        "monitoring: {<<: 5}",
        "!!python/object/apply:os.system ['true']",
        "monitoring: !!binary {}",
        "? [1, 2]\n: 3",
        "\n".join(
            [
                f"a{n}: &a{n} {{{','.join(f'k{i}: *a{n - 1}' for i in range(9))}}}" if n else "a0: &a0 {k: 1}"
                for n in range(9)
            ]
        ),
        "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)),
        "monitoring: {metrics: {collection_interval: 2001-02-03}}",
        "a: 1\n---\nb: 2",
        "x: " + "y" * 2**20,
    ],
)
def test_no_file_does_harm(tmp_path: Path, content: str) -> None:
    (tmp_path / "monitoring.yaml").write_text(content)
    settings = load({}, tmp_path)
    assert settings.problems
    assert all(problem.place.startswith("monitoring.yaml") for problem in settings.problems)
    assert settings.performance.collection_interval_s == 15
