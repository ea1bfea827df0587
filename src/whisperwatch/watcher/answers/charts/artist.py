"""Has charts drawn: starts the worker when one is asked for, keeps it warm for a while, and replaces a broken one.

The watcher's loop never waits for matplotlib, and its process has nothing of it. A worker takes half a second to start
and some 100 MB, so it stays only as long as somebody looks at charts.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from whisperwatch.watcher.answers.charts.chart import Chart, packed
from whisperwatch.watcher.answers.charts.process import (
    COMMAND,
    ChartError,
    RefusalError,
    end,
    exchange,
    kill,
    start,
)

_FOLDER: Final = "matplotlib"
_PATIENCE_S: Final = 2.0
"""An idle worker ends at once where it is told to."""


class Artist:
    """Draws one chart after the other.

    Args:
        state: the state directory, where matplotlib remembers its font; without one it does so until `close`.
        limit_s: how long (seconds) a chart may take, its worker's start included.
        keep_s: how long an idle worker is kept.
        most: how many charts may wait or be drawn; a further one is refused.
        command: what is started.
    """

    def __init__(
        self,
        state: Path | None,
        limit_s: float = 20.0,
        keep_s: float = 300.0,
        most: int = 8,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._state, self._limit_s, self._keep_s, self._most = state, limit_s, keep_s, most
        self._command = command
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._turn = asyncio.Lock()
        self._asked = 0
        self._process: Process | None = None
        self._idle: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._closed = False

    @staticmethod
    def available() -> bool:
        """Whether matplotlib, the extra `charts`, is installed, and a Python can be started; nothing is, to find out.

        Where the bot was frozen into a program, that would be the bot once more.
        """
        starts = bool(sys.executable) and not getattr(sys, "frozen", False)
        return starts and find_spec("matplotlib") is not None

    @property
    def pid(self) -> int | None:
        """The worker's; None where there is none."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    def prepare(self) -> None:
        """Start the worker, where there is none: somebody is about to ask for a chart."""
        busy = self._turn.locked() or (self._preparing is not None and not self._preparing.done())
        if self.pid is None and not busy and not self._closed and self.available():
            self._preparing = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        async with self._turn:
            self._stay()
            with contextlib.suppress(ChartError):  # whoever asks for a chart is told
                await self._worker()
            self._leave()

    async def draw(self, chart: Chart) -> bytes:
        """The chart as a PNG.

        Raises:
            ChartError: it can't be drawn, took too long, too many wait, or the artist is closed.
        """
        if not self.available():
            raise ChartError(
                "No chart: matplotlib is not there. `pip install 'whisperwatch[charts]'` brings it."
            )
        if self._asked >= self._most:
            raise ChartError("No chart: too many are asked for at once.")
        self._asked += 1
        try:
            content = packed(chart)
            async with self._turn:
                return await self._draw(content)
        except ValueError as error:
            raise ChartError(f"No chart: {error}.") from error
        finally:
            self._asked -= 1

    async def close(self) -> None:
        """End the worker, also while it draws, and draw nothing any more."""
        self._closed = True
        if (process := self._process) is not None and self._turn.locked():
            kill(process)  # whoever waits for its picture is told so
        async with self._turn:
            self._stay()
            await self._end(_PATIENCE_S)
        if self._own_folder is not None:
            self._own_folder.cleanup()

    async def _draw(self, chart: bytes) -> bytes:
        self._stay()
        try:
            async with asyncio.timeout(self._limit_s):
                picture = await exchange(await self._worker(), chart)
        except RefusalError:
            self._leave()
            raise
        except TimeoutError:
            await self._end(0)
            raise ChartError(f"No chart: drawing it took longer than {self._limit_s:g} s.") from None
        except BaseException:
            await self._end(0)  # also where nobody wants it any more: the next one would get its answer
            raise
        self._leave()
        return picture

    async def _worker(self) -> Process:
        if self.pid is None and not self._closed:
            await self._end(0)
            self._process = await start(self._command, self._folder())
        if self._process is None or self._closed:
            raise ChartError("No chart: the watcher ends.")
        return self._process

    def _folder(self) -> Path:
        with contextlib.suppress(OSError):
            if self._state is not None:
                folder = self._state / _FOLDER
                folder.mkdir(mode=0o700, exist_ok=True)
                return folder
        self._own_folder = self._own_folder or tempfile.TemporaryDirectory(prefix="whisperwatch-")
        return Path(self._own_folder.name)

    def _leave(self) -> None:
        self._idle = asyncio.create_task(self._end_idle())

    def _stay(self) -> None:
        """Who has the turn calls off the end of the idle worker, which hasn't begun then."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _end_idle(self) -> None:
        await asyncio.sleep(self._keep_s)
        async with self._turn:
            await self._end(_PATIENCE_S)

    async def _end(self, patience_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end(process, patience_s)
