"""The worker's process: what it is started with, which is little, and how a chart is exchanged for a picture with it.

Of the watcher's environment, which has secrets, goes along what Python, its libraries and the locale need.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from whisperwatch.watcher.answers.charts.fonts import IGNORE
from whisperwatch.watcher.answers.charts.frames import CHART, HEAD, LARGEST, PICTURE, PNG, REFUSAL, frame

COMMAND: Final = (sys.executable, "-P", "-m", "whisperwatch.watcher.answers.charts.worker")
_PACKAGE_ROOT: Final = str(Path(__file__).resolve().parents[4])
_HANDED_OVER: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH")
"""Some systems' Python finds the libraries of its wheels only by the last."""
_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""NumPy would start one for each CPU, and make room for all."""
_LOCKS: Final = "*.matplotlib-lock"


class ChartError(Exception):
    """A chart could not be drawn; the message is a sentence for the operator."""


class RefusalError(ChartError):
    """The worker can't draw this one, but the next."""


async def start(command: Sequence[str], folder: Path) -> Process:
    """Start a worker, whose matplotlib keeps what it knows of fonts in `folder`, and which runs there.

    Raises:
        ChartError: it can't be started.
    """
    try:
        _unlock(folder)
        return await asyncio.create_subprocess_exec(
            *command,
            env=environment(os.environ, folder),
            cwd=folder,  # not the bot's, whose `matplotlibrc` would be read
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the bot
        )
    except OSError as error:
        raise ChartError(f"No chart: its process can't be started ({error.strerror}).") from error


def environment(own: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a worker gets of ours."""
    return {
        **{name: own[name] for name in _HANDED_OVER if name in own},
        **dict.fromkeys(_ONE_THREAD, "1"),
        "MPLCONFIGDIR": str(folder),
        "MPLBACKEND": "agg",
        **IGNORE,
        "PYTHONPATH": os.pathsep.join(_path()),
    }


async def exchange(process: Process, chart: bytes) -> bytes:
    """The picture of a chart.

    Raises:
        ChartError: there is none. `RefusalError` where the worker said why, and can be asked again.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(frame(CHART, chart))
        await process.stdin.drain()
        kind, length = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
        if kind not in (PICTURE, REFUSAL) or length > LARGEST:
            raise ChartError("No chart: what draws it answered rubbish.")
        content = await process.stdout.readexactly(length)
    except (ConnectionError, asyncio.IncompleteReadError):
        raise ChartError("No chart: what draws it ended before it was drawn.") from None
    if kind == REFUSAL:
        raise RefusalError(f"No chart: {content.decode(errors='replace')}")
    if not content.startswith(PNG):
        raise ChartError("No chart: what draws it answered rubbish.")
    return content


async def end(process: Process, patience_s: float) -> None:
    """End a worker: by the end of its input, and where it hasn't by the time given, or at once, by force. Reaps it."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        if patience_s:
            async with asyncio.timeout(patience_s):
                await process.wait()
    kill(process)
    await process.communicate()  # what it still said is read, else its pipe would stay open


def kill(process: Process) -> None:
    """By force, where it hasn't ended."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def _unlock(folder: Path) -> None:
    """Of a worker that was killed, which the next would wait five seconds for."""
    for lock in folder.glob(_LOCKS):
        lock.unlink(missing_ok=True)


def _path() -> Iterator[str]:
    """`sys.path` without the bot's own folder, which it has where the watcher is a thread of the bot."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    own = {os.getcwd(), os.path.dirname(os.path.abspath(main)) if main else None}
    for folder in map(os.path.abspath, sys.path):
        if folder not in own or folder == _PACKAGE_ROOT:
            yield folder
