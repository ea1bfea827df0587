from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from whisperwatch.cli import main
from whisperwatch.version import __version__
from whisperwatch.watcher.settings import known


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this shell, and no monitoring.yaml of this directory."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "HEALTH_CHECK_PORT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SDK_DISABLED",
        "WHISPERWATCH_LINGER",
    ):
        monkeypatch.delenv(name, raising=False)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"whisperwatch {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_help_names_the_commands(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert all(
        f"\n  {command} " in out
        for command in ("run", "demo", "check", "config", "health", "sync", "dashboards")
    )


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("whisperwatch: there is no command 'fly'\n")


@pytest.mark.parametrize("command", ["run", "demo", "check", "config", "health", "sync", "dashboards"])
def test_every_command_has_help(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "whisperwatch", command, "--help"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: whisperwatch {command}")


def test_a_command_loads_only_what_it_needs() -> None:
    """`run` is on the way of every start of a bot."""
    code = (
        "import sys; before = set(sys.modules); from whisperwatch import cli; cli.main(['--version'])\n"
        "import whisperwatch.run; print(sorted(n for n in set(sys.modules) - before if n.startswith('whisperwatch')))\n"
        "print([n for n in ('argparse', 'asyncio', 'discord', 'opentelemetry', 'pydantic') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[1:] == [
        "['whisperwatch', 'whisperwatch.cli', 'whisperwatch.run', 'whisperwatch.version']",
        "[]",
    ]


def test_check_without_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--settings"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "HEALTH_CHECK_PORT                          9091\n" in printed.out
    assert "* " not in printed.out.partition("\n")[2], "nothing is marked as set"
    assert printed.out.count("not exported: no endpoint is set") == 3


def test_check_shows_what_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PORT", "9200")
    (tmp_path / "monitoring.yaml").write_text("monitoring: {metrics: {collection_interval: 5s}}")
    assert main(["check", "--settings"]) == 0
    out = capsys.readouterr().out
    assert "  * HEALTH_CHECK_PORT                          9200\n" in out
    assert "  * monitoring.metrics.collection_interval     5s\n" in out


def test_check_lists_all_settings_and_warns_of_those_that_wait_for_their_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALERTING_ENABLED", "true")
    monkeypatch.setenv("ALERT_EVALUATION_INTERVAL", "30s")
    monkeypatch.setenv("LOKI_URL", "http://localhost:3100")
    assert main(["check", "--settings"]) == 0
    printed = capsys.readouterr()
    names = {line[4:].split(" ")[0] for line in printed.out.splitlines() if line.startswith("  ")}
    assert {about.name for about in known().values() if "{signal}" not in about.name} <= names
    assert "  * LOKI_URL                                   http://localhost:3100\n" in printed.out
    assert printed.err == (
        "warning: ALERTING_ENABLED, ALERT_EVALUATION_INTERVAL: not yet used, the alert engine will\n"
    )


def test_check_shows_ids_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADMIN_GUILD_ID", "348805820466790400")
    monkeypatch.setenv("ADMIN_USER_IDS", "348805820466790401,348805820466790402")
    assert main(["check", "--settings"]) == 0
    out = capsys.readouterr().out
    assert "  * ADMIN_GUILD_ID                             348805820466790400\n" in out
    assert "  * ADMIN_USER_IDS                             348805820466790401,348805820466790402\n" in out


def test_check_where_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--state-dir", "nowhere"]) == 2
    printed = capsys.readouterr()
    assert "What is in force." in printed.out
    assert "No watcher answers (looked at nowhere/watcher.sock)" in printed.err


def test_check_masks_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://name:hunter2@collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20swordfish")
    assert main(["check", "--settings"]) == 0
    printed = capsys.readouterr()
    assert "https://***@collector:4318/v1/traces" in printed.out
    assert "authorization=***" in printed.out
    assert "hunter2" not in printed.out + printed.err
    assert "swordfish" not in printed.out + printed.err


def test_check_names_every_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PORT", "99999")
    monkeypatch.setenv("WHISPERWATCH_LINGER", "soon")
    monkeypatch.setenv("WHISPERWATCH_LINGRE", "5s")
    assert main(["check", "--settings"]) == 1
    printed = capsys.readouterr()
    assert "error: HEALTH_CHECK_PORT=99999 is too high; it should be a port from 0 to 65535\n" in printed.err
    assert "error: WHISPERWATCH_LINGER=soon " in printed.err
    assert "did you mean WHISPERWATCH_LINGER?" in printed.err
    assert "    HEALTH_CHECK_PORT                          9091\n" in printed.out, "the default is in force"


@pytest.mark.parametrize("by", ["variable", "being here"])
def test_check_names_a_state_directory_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, by: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".whisperwatch"
    path.write_text("a file")
    if by == "variable":
        monkeypatch.setenv("WHISPERWATCH_STATE_DIR", str(path))
    else:
        monkeypatch.delenv("WHISPERWATCH_STATE_DIR", raising=False)
    assert main(["check", "--settings"]) == 0, "all works without it"
    assert f"warning: the state directory {path} can't be written (File exists)" in capsys.readouterr().err


def test_check_makes_no_state_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WHISPERWATCH_STATE_DIR", raising=False)
    assert main(["check", "--settings"]) == 0
    assert "state directory" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_check_says_that_all_is_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert main(["check", "--settings"]) == 0
    assert "Nothing is recorded or exported" in capsys.readouterr().out
