from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from whisperwatch.watcher import spyglass, stack

HOLDING = """
import ctypes, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
class Rank:
    def score(self):
        ctypes.PyDLL(None).sleep(60)
print(threading.get_ident(), flush=True)
Rank().score()
"""
RUNNING = """
import json, time
def deep(depth):
    return deep(depth - 1) if depth else json.loads('{"a": [1, 2, 3]}')
print("runs", flush=True)
for turn in range(10**9):
    deep(turn % 40)
"""
Pretend = Callable[[str], None]


class Started:
    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()


@pytest.fixture
def start() -> Iterator[Callable[[str], Started]]:
    made: list[Started] = []

    def begin(code: str) -> Started:
        made.append(Started(code))
        return made[-1]

    yield begin
    for one in made:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Makes a shell script the py-spy."""

    def put(script: str) -> None:
        program = tmp_path / "py-spy"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(spyglass, "find", lambda: str(program))

    return put


async def test_who_holds_the_gil_is_named_by_this_python(start: Callable[[str], Started]) -> None:
    bot = start(HOLDING)
    await asyncio.sleep(0.3)
    frames = stack.parse(await spyglass.look(bot.process.pid), int(bot.said))
    assert frames is not None
    assert frames[-1][0] == "<string>"
    assert frames[-1][1] == 6
    assert frames[-1][2].endswith("score")


async def test_a_process_that_runs_python_takes_no_harm(start: Callable[[str], Started]) -> None:
    bot, read = start(RUNNING), 0
    for _ in range(30):
        with contextlib.suppress(spyglass.UnreadableError):  # it changed while it was copied
            read += bool(await spyglass.look(bot.process.pid))
    assert bot.process.poll() is None
    assert read > 0


async def test_no_process_and_none_of_python() -> None:
    other = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        for pid in (2**22 + 1, other.pid):
            with pytest.raises(spyglass.UnreadableError, match=r"^py-spy failed: Failed to .*[^.]$"):
                await spyglass.look(pid)
    finally:
        other.kill()
        await other.wait()


async def test_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spyglass, "find", lambda: None)
    with pytest.raises(spyglass.UnreadableError, match=r"^py-spy is not installed \(`pip install .*\)$"):
        await spyglass.look(os.getpid())


async def test_it_can_not_be_started(pretend: Pretend, tmp_path: Path) -> None:
    pretend("")
    (tmp_path / "py-spy").chmod(0o644)
    with pytest.raises(spyglass.UnreadableError, match=r"^py-spy can't be started \(Permission denied\)$"):
        await spyglass.look(os.getpid())


async def test_one_that_hangs_is_killed(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spyglass, "PATIENCE_S", 0.3)
    pretend(f"trap '' TERM INT; echo $$ > {tmp_path}/pid; echo '['; exec sleep 60")
    with pytest.raises(spyglass.UnreadableError, match=r"^py-spy took more than 0\.3 s$"):
        await spyglass.look(os.getpid())
    assert_is_gone(tmp_path / "pid")


async def test_what_it_has_started_is_killed_with_it(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spyglass, "PATIENCE_S", 0.3)
    pretend(f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    async with asyncio.timeout(20):  # else its child would keep the pipes open for a minute
        with pytest.raises(spyglass.UnreadableError, match=r"^py-spy took more than 0\.3 s$"):
            await spyglass.look(os.getpid())
    started = int((tmp_path / "pid").read_text())
    while _runs(started):  # noqa: ASYNC110 - it is no child of ours
        await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_one_that_is_not_waited_for_any_more_is_killed(pretend: Pretend, tmp_path: Path) -> None:
    pretend(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    looking = asyncio.create_task(spyglass.look(os.getpid()))
    while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert_is_gone(tmp_path / "pid")


def assert_is_gone(file: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


async def test_one_that_does_not_stop_talking(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spyglass, "MOST_BYTES", 100_000)
    monkeypatch.setattr(spyglass, "PATIENCE_S", 0.3)
    pretend("exec yes rubbish")
    with pytest.raises(spyglass.UnreadableError, match=r"^py-spy took more than 0\.3 s$"):
        await spyglass.look(os.getpid())


@pytest.mark.parametrize(
    ("scope", "where"), [("3\n", r" \(kernel\.yama\.ptrace_scope is 3\)"), ("1\n", ""), (None, "")]
)
async def test_the_system_forbids_it(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str | None, where: str
) -> None:
    file = tmp_path / "ptrace_scope"
    if scope is not None:
        file.write_text(scope)
    monkeypatch.setattr(spyglass, "_SCOPE", file)
    pretend("echo 'Permission Denied: Try running again with elevated permissions' >&2; exit 1")
    with pytest.raises(spyglass.UnreadableError, match=rf"read the memory of the bot's process{where}$"):
        await spyglass.look(os.getpid())


async def test_it_gets_nothing_of_the_environment(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    pretend("env")
    assert b"DISCORD" not in await spyglass.look(os.getpid())


class TestFinding:
    def test_what_was_installed_with_us(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        found = spyglass.find()
        assert found is not None
        assert subprocess.check_output([found, "--version"], text=True).startswith("py-spy 0.")

    def test_installed_without_a_list_of_its_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> None:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(spyglass, "distribution", missing)
        found = spyglass.find()
        assert found == os.path.join(os.path.dirname(sys.executable), "py-spy")

    def test_only_on_the_path_and_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spyglass, "_distributed", lambda: ())
        monkeypatch.setattr(spyglass.sysconfig, "get_path", lambda name: str(tmp_path / "scripts"))
        monkeypatch.setattr(spyglass.sys, "executable", str(tmp_path / "python"))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        assert spyglass.find() is None
        program = tmp_path / "bin" / "py-spy"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert spyglass.find() == str(program)
