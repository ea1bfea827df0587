"""`whisperwatch health`: asked of a real watcher, by its socket and by HTTP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from whisperwatch import tape
from whisperwatch.cli import main
from whisperwatch.demo.backends.ports import free_port

PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*os.environ]:
        if name.startswith(("WHISPERWATCH", "HEALTH", "OTEL")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEALTH_CHECK_PORT", str(free_port()))


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that no bot has attached to, of the bot in `tmp_path/bot`."""
    state = tmp_path / "bot" / ".whisperwatch"
    process = subprocess.Popen(
        [sys.executable, "-m", "whisperwatch.watcher", "--state-dir", str(state), "--stay"]
    )
    deadline = time.monotonic() + PATIENCE_S
    while not (state / "watcher.sock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "argv",
    [(), ("--state-dir", "bot/.whisperwatch")],
    ids=["found one folder further down", "named"],
)
def test_by_its_socket(
    watcher: subprocess.Popen[bytes], argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health", *argv]) == 1
    out = capsys.readouterr().out
    assert out.startswith("❌ The bot is unhealthy\n1 of 4 checks is not well.\n")
    assert re.search(
        r"❌ Bot process\n   No bot has attached to this watcher yet\.\n   Unhealthy since ", out
    )
    assert main(["health", "detailed", *argv]) == 1
    assert "✅ The monitor itself\n" in capsys.readouterr().out


def test_by_http(
    watcher: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["health", "detailed"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("❌ The bot is unhealthy\n")
    assert "✅ The monitor itself\n" in out


def test_a_terminal_is_no_bot(
    watcher: subprocess.Popen[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        main(["health"])
    assert "No bot has attached to this watcher yet." in capsys.readouterr().out
    assert not (tmp_path / "bot" / ".whisperwatch" / "instances.json.corrupt").exists()


def test_a_reader_that_has_enough(watcher: subprocess.Popen[bytes]) -> None:
    """As `whisperwatch health | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "whisperwatch", "health"]
    asked = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    os.close(writing)
    assert asked.stderr == b""


def test_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("No watcher answers (looked at http://127.0.0.1:")
    assert not Path(".whisperwatch").exists()


def test_a_socket_that_a_dead_one_left(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".whisperwatch").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(".whisperwatch/watcher.sock")
    assert main(["health"]) == 2
    assert "looked at .whisperwatch/watcher.sock" in capsys.readouterr().err


def test_wrong_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["health", "everything"])
    assert left.value.code == 2
    assert "health doesn't know 'everything'. For view there is: detailed" in capsys.readouterr().err


def test_a_question_on_the_socket_needs_no_marshal(watcher: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Who says no hello is not trusted with it."""
    marshaled = tape.pack((tape.ACK, 1, "health"))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(tmp_path / "bot" / ".whisperwatch" / "watcher.sock"))
        connection.sendall(marshaled)
        assert connection.recv(100) == b""
