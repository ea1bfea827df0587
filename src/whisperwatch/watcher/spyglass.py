"""Looks into a bot's process from outside, by py-spy: where code holds the GIL, nothing inside could say where it is.

py-spy copies the memory that it needs and never pauses the bot. Looking from inside is no way: faulthandler walks the
frames of threads that may be running Python by then, as after a SIGSTOP, and CPython crashes of that (its issues
116008, 131580 and 140815).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import sysconfig
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 3.0
"""It takes 10 to 30 ms."""
MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_OF_A_LINE: Final = 200
_NAME: Final = "py-spy"
_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")


class UnreadableError(Exception):
    """A process' stacks could not be read; the message is a clause that says why."""


async def look(pid: int) -> bytes:
    """The stacks of a process, as py-spy's JSON.

    Raises:
        UnreadableError: there are none.
    """
    if (program := find()) is None:
        raise UnreadableError("py-spy is not installed (`pip install 'whisperwatch[stacks]'` brings it)")
    command = (program, "dump", "--nonblocking", "--json", "--pid", str(pid))
    try:  # of the environment, which has secrets, it needs nothing
        process = await asyncio.create_subprocess_exec(
            *command, env={}, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    except OSError as error:
        raise UnreadableError(f"py-spy can't be started ({error.strerror})") from error
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _answer(process)
    except TimeoutError:
        raise UnreadableError(f"py-spy took more than {PATIENCE_S:g} s") from None
    finally:
        await _end(process)


def find() -> str | None:
    """Where py-spy is: what was installed with us, else beside this Python, else on the PATH."""
    beside = (sysconfig.get_path("scripts"), os.path.dirname(sys.executable))
    folders = (*_distributed(), *beside, os.environ.get("PATH", os.defpath))
    return shutil.which(_NAME, path=os.pathsep.join(folders))


def _distributed() -> Iterator[str]:
    with contextlib.suppress(PackageNotFoundError):
        for file in distribution(_NAME).files or ():
            if file.name == _NAME:
                yield os.path.dirname(file.locate())


async def _answer(process: Process) -> bytes:
    assert process.stdout is not None
    assert process.stderr is not None
    said, complaint = await asyncio.gather(_all_of(process.stdout), _all_of(process.stderr))
    if await process.wait() != 0:
        raise UnreadableError(_why(complaint.decode(errors="replace")))
    return said


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    """At most as much as is believable: what says more is stuck then, until our patience ends."""
    try:
        return await stream.readexactly(MOST_BYTES)
    except asyncio.IncompleteReadError as all_there_was:
        return all_there_was.partial


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with what it has started, which would keep its pipes open
    await process.communicate()  # what it still said is read, else its pipes would stay open


def _why(complaint: str) -> str:
    if "permission denied" in complaint.lower():
        scope = _scope()
        by = f" (kernel.yama.ptrace_scope is {scope})" if scope in ("2", "3") else ""
        return f"the system doesn't let the watcher read the memory of the bot's process{by}"
    line = complaint.strip().partition("\n")[0].removeprefix("Error: ").rstrip(".")
    return f"py-spy failed: {line[:_MOST_OF_A_LINE]}" if line else "py-spy failed"


def _scope() -> str | None:
    try:
        return _SCOPE.read_text().strip()
    except OSError:
        return None
