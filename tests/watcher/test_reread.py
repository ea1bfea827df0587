"""A real watcher's process, its files changed under it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.demo.backends.ports import free_port

PATIENCE_S = 30.0


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return found


class Watching:
    """A watcher by hand, whose monitoring.yaml is in `home`."""

    def __init__(self, home: Path, stdin: int = subprocess.DEVNULL) -> None:
        self.home, self.port = home, free_port()
        state = home / "state"
        command = [sys.executable, "-m", "whisperwatch.watcher", "--state-dir", str(state)]
        command += ["--stay", "--beside", str(home)]
        surroundings = {**os.environ, "HEALTH_CHECK_PORT": str(self.port)}
        with (home / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                command, env=surroundings, stdin=stdin, stderr=stderr, start_new_session=True
            )
        until(lambda: (state / "watcher.sock").exists() and self.check() is not None)

    def write(self, text: str) -> None:
        new = self.home / "new"
        new.write_text(text)
        new.replace(self.home / "monitoring.yaml")

    def said(self, text: str) -> bool:
        return text in (self.home / "stderr").read_text()

    def check(self) -> dict[str, Any] | None:
        """Health's check of the settings."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as answer:
                report = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                report = json.loads(error.read())
        except OSError:
            return None
        return next(check for check in report["checks"] if check["check"] == "settings")

    def value(self, name: str) -> dict[str, Any]:
        told = json.loads((self.home / "state" / "settings.json").read_text())
        return next(row for row in told["settings"] if row["name"] == name)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "monitoring.yaml").write_text("monitoring: {health_checks: {interval: 20s}}")
    made = Watching(tmp_path)
    yield made
    made.end()
    assert made.process.returncode == 0


def test_a_changed_file_is_read_without_being_asked(watching: Watching) -> None:
    assert watching.value("HEALTH_CHECK_INTERVAL")["from"] == "monitoring.yaml:1"
    watching.write("monitoring:\n  health_checks: {interval: 250ms}\n")
    until(lambda: watching.said("HEALTH_CHECK_INTERVAL is 250ms (monitoring.yaml:2)"))
    assert watching.value("HEALTH_CHECK_INTERVAL")["value"] == 0.25


def test_on_sighup_a_bad_file_is_refused_and_a_good_one_heals(watching: Watching) -> None:
    watching.write(
        "monitoring:\n  health_checks:\n    interval: 1s\n    retry_attempts: none\n  dashbord: 1\n"
    )
    watching.process.send_signal(signal.SIGHUP)
    until(lambda: watching.said("those before stay in force"))
    assert watching.said("monitoring.yaml:4: monitoring.health_checks.retry_attempts=none is no whole number")
    assert watching.said("monitoring.yaml:5: monitoring.dashbord=1 is unknown")
    check = until(lambda: (found := watching.check()) and found["status"] == "degraded" and found)
    assert "monitoring.health_checks.retry_attempts should be" in json.dumps(check)
    assert watching.value("HEALTH_CHECK_INTERVAL")["value"] == 20

    watching.write("monitoring:\n  health_checks:\n    interval: 1s\n")
    watching.process.send_signal(signal.SIGHUP)
    until(lambda: watching.said("HEALTH_CHECK_INTERVAL is 1s"))
    until(lambda: (found := watching.check()) and found["status"] == "healthy")


def test_a_terminal_that_goes_still_ends_a_watcher_in_it(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    watching = Watching(tmp_path, stdin=theirs)
    os.close(theirs)
    try:
        watching.process.send_signal(signal.SIGHUP)  # the terminal is there: it reads its files
        watching.write("monitoring: {health_checks: {interval: 2s}}")
        until(lambda: watching.said("HEALTH_CHECK_INTERVAL is 2s"))
        os.close(ours)
        watching.process.send_signal(signal.SIGHUP)
        assert watching.process.wait(PATIENCE_S) == 0
    finally:
        watching.end()
