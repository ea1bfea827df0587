from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from whisperwatch.demo import reaper

KILLED = """
import asyncio, os, sys
from whisperwatch.demo.home import Home
async def main():
    home = await Home().__aenter__()
    child = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    home.keep(child.pid)
    gone = await asyncio.create_subprocess_exec("true", start_new_session=True)
    home.keep(gone.pid)
    await gone.wait()
    home.release(gone.pid)
    home.room("things")
    print(home.path, child.pid, home._reaper.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_killed_without_mercy_it_leaves_neither_children_nor_files() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        path, child_pid, reaper_pid = demo.stdout.readline().split()
        assert psutil.pid_exists(int(child_pid))
        cleaner = psutil.Process(int(reaper_pid))
        demo.send_signal(signal.SIGKILL)
    psutil.wait_procs([cleaner], timeout=10)
    assert not cleaner.is_running() or cleaner.status() == psutil.STATUS_ZOMBIE
    assert not Path(path).exists()
    assert (
        not psutil.pid_exists(int(child_pid))
        or psutil.Process(int(child_pid)).status() == psutil.STATUS_ZOMBIE
    )


def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path: Path, monkeypatch: object) -> None:
    stubborn = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", stubborn], stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        room = tmp_path / "room"
        room.mkdir()
        reaper.main(str(room), [f"+{child.pid}\n"])
        assert child.wait(10) == -signal.SIGKILL
    assert not room.exists()
    assert os.path.isdir(tmp_path)
