from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from whisperwatch import tape
from whisperwatch.bot.ship import launch


def test_the_command_names_only_what_there_is(tmp_path: Path) -> None:
    assert "--lock" not in launch._command(3, tmp_path, None)
    assert "--state-dir" not in launch._command(3, None, None)
    whole = launch._command(3, tmp_path, 4)
    assert whole[0] == sys.executable
    assert "-P" in whole
    assert whole[-6:] == ["--connection", "3", "--state-dir", str(tmp_path), "--lock", "4"]


def test_the_environment_carries_the_path_and_leaves_the_bots_switches_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, other, instrument = tmp_path / "own", tmp_path / "other", tmp_path / "auto_instrumentation"
    monkeypatch.setattr(sys, "path", [str(own), "", str(other), str(instrument), *sys.path])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(own / "bot.py"), raising=False)
    monkeypatch.setenv("PYTHONINSPECT", "1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "kept")
    environment = launch._environment()
    path = environment["PYTHONPATH"].split(os.pathsep)
    assert str(other) in path
    assert not {str(own), str(instrument), os.getcwd(), ""}.intersection(path)
    assert environment["OTEL_SERVICE_NAME"] == "kept"
    assert "PYTHONINSPECT" not in environment


def test_the_watcher_looks_for_files_beside_the_main_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "bot.py"), raising=False)
    command = launch._command(3, None, None)
    assert command[command.index("--beside") + 1] == str(tmp_path)
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    assert "--beside" not in launch._command(3, None, None)


def test_the_allocator_is_told_to_keep_little_unless_it_was_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    environment = launch._environment()
    assert environment["MALLOC_ARENA_MAX"] == "1"
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "1000000"


def test_what_the_code_set_goes_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tape.CODE_VARIABLE not in launch._environment()
    monkeypatch.setitem(launch.code, "HEALTH_CHECK_PORT", 9100)
    assert json.loads(launch._environment()[tape.CODE_VARIABLE]) == {"HEALTH_CHECK_PORT": 9100}


def test_a_package_beside_the_bot_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(launch._PACKAGE_ROOT)
    monkeypatch.setattr(sys, "path", [root])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", f"{root}/bot.py", raising=False)
    assert launch._environment()["PYTHONPATH"] == root


@pytest.mark.parametrize(("name", "value"), [("executable", ""), ("frozen", True), ("platform", "win32")])
def test_where_no_python_can_be_started(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    assert launch.can_start()
    monkeypatch.setattr(sys, name, value, raising=False)
    assert not launch.can_start()


def test_a_failed_start_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    before = os.listdir("/proc/self/fd")
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(FileNotFoundError):
        launch.ChildWatcher(theirs, tmp_path, None)
    assert os.listdir("/proc/self/fd") == before
