from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from whisperwatch.watcher import departure
from whisperwatch.watcher.departure import Process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that executes what it is told, and is reaped only by the test."""
    code = "import os, sys; exec(sys.stdin.readline())"
    made = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    yield made
    made.communicate()


def tell(child: subprocess.Popen[bytes], code: str) -> None:
    assert child.stdin is not None
    child.stdin.write(code.encode() + b"\n")
    child.stdin.flush()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit(3)", "exit status 3, without goodbye"),
        ("os._exit(0)", "exit status 0, without goodbye"),
        ("os.abort()", "killed by signal 6 (SIGABRT)"),
        ("os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL)"),
    ],
)
async def test_the_reason_is_known(child: subprocess.Popen[bytes], code: str, reason: str) -> None:
    process = Process(child.pid)
    assert process.alive
    tell(child, code)
    assert await process.gone(20)
    assert process.why() == reason
    process.close()


async def test_the_reason_is_known_though_the_parent_was_faster(child: subprocess.Popen[bytes]) -> None:
    process = Process(child.pid)
    child.kill()
    child.wait()
    assert await process.gone(20)
    kernel_tells = process._ask_descriptor() is not None  # from Linux 6.15 on
    expected = (
        "killed by signal 9 (SIGKILL)" if kernel_tells else "without goodbye: killed by a signal, or crashed"
    )
    assert process.why() == expected
    process.close()


async def test_where_nothing_can_be_known_nothing_is_made_up(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departure, "_open", lambda _: None)
    process = Process(child.pid)
    child.kill()
    child.wait()
    assert await process.gone(20)
    assert process.why() == "without goodbye: killed by a signal, or crashed"


async def test_a_process_that_lives_on_is_not_gone(child: subprocess.Popen[bytes]) -> None:
    process = Process(child.pid)
    assert not await process.gone(0.05)
    child.send_signal(signal.SIGSTOP)
    assert not await process.gone(0.05)
    child.send_signal(signal.SIGCONT)
    tell(child, "pass")
    assert await process.gone(20)
    process.close()


def test_no_such_process() -> None:
    process = Process(2**22 + 1)
    assert process.started is None
    assert not process.alive


@pytest.mark.parametrize(
    ("line", "file", "before", "after"),
    [
        (
            "0::/bot.scope",
            "bot.scope/memory.events",
            "low 0\noom 0\noom_kill 2\n",
            "low 0\noom 1\noom_kill 3\n",
        ),
        ("0::/", "memory.events", "oom_kill 2\n", "oom_kill 3\n"),
        (
            "4:memory:/bot",
            "memory/bot/memory.oom_control",
            "under_oom 0\noom_kill 2\n",
            "under_oom 0\noom_kill 3\n",
        ),
        ("4:cpu,memory:/x", "memory/memory.oom_control", "oom_kill 2\n", "oom_kill 3\n"),
    ],
)
async def test_the_cgroups_count_tells_of_an_oom_kill(
    child: subprocess.Popen[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    file: str,
    before: str,
    after: str,
) -> None:
    counter = tmp_path / file
    counter.parent.mkdir(parents=True, exist_ok=True)
    counter.write_text(before)
    monkeypatch.setattr(departure, "CGROUPS", tmp_path)
    monkeypatch.setattr(departure, "_cgroups_of", lambda _: ["1:name=systemd:/", line])
    process = Process(child.pid)
    process.look()
    counter.write_text(after)
    child.kill()
    assert await process.gone(20)
    assert process.why() == "killed (the cgroup's OOM count rose by 1)"
    process.close()


async def test_an_oom_kill_of_another_process_is_not_this_ones_end(
    child: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("oom_kill 0\n")
    monkeypatch.setattr(departure, "CGROUPS", tmp_path)
    monkeypatch.setattr(departure, "_cgroups_of", lambda _: ["0::/"])
    process = Process(child.pid)
    counter.write_text("oom_kill 1\n")
    tell(child, "sys.exit(4)")
    assert await process.gone(20)
    assert process.why() == "exit status 4, without goodbye"
    process.close()


def test_one_that_is_stopped_is_known(child: subprocess.Popen[bytes]) -> None:
    process = Process(child.pid)
    assert not process.stopped
    child.send_signal(signal.SIGSTOP)
    try:
        os.waitpid(child.pid, os.WUNTRACED)
        assert (process.alive, process.stopped) == (True, True)
    finally:
        child.kill()
    child.wait()
    assert not process.stopped
    process.close()
