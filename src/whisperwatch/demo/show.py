"""One run of the demo, from the users' arrival to their leave, shown as it goes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live

from whisperwatch.demo import check, faults
from whisperwatch.demo.display import Board, Lines, Scene
from whisperwatch.demo.people import People
from whisperwatch.demo.stage import Stage

_FRAME_S = 0.25
_SCRAPE_S = 1.0
_SETTLED_WITHIN_S = 20.0


@dataclass(frozen=True)
class Options:
    """What the command line says. `for_s` None: until Ctrl-C."""

    for_s: float | None = None
    check: bool = False
    port: int = 0
    users: int = 8
    faults: Sequence[str] = ()
    seed: int = 7


class Show:
    """The users on the stage, and the screen. `leaving` ends it early, and cleanly."""

    def __init__(self, stage: Stage, options: Options, console: Console) -> None:
        self.stage = stage
        self.options = options
        self.console = console
        self.leaving = asyncio.Event()
        urls = {"health": stage.health_url, "metrics": stage.metrics_url}
        self.scene = Scene(stage.truth, stage.receiver.traces, urls, options.users)

    async def run(self) -> None:
        """Let the users come, and after the time is over, or on `leaving`, end what they have begun.

        Raises:
            DemoError: the bot's process has ended.
        """
        people = People(
            self.stage.discord, self.options.users, seed=self.options.seed, truth=self.stage.truth
        )
        async with self._shown(), self._read():
            await people.come()
            try:
                async with self._faults():
                    await self._until_over(people)
                await people.leave()
            finally:
                await people.vanish()

    async def check(self) -> list[check.Row]:
        """Whether what was recorded agrees with what was done, once both have settled."""
        return await check.settle(
            self.stage.ledgers.read,
            self.stage.measured,
            self.stage.receiver.traces,
            self.stage.hashed(),
            _SETTLED_WITHIN_S,
        )

    async def _until_over(self, people: People) -> None:
        deadline = time.monotonic() + (self.options.for_s or float("inf"))
        broken = asyncio.create_task(people.failed())
        try:
            while not self.leaving.is_set() and time.monotonic() < deadline:
                await asyncio.wait({broken}, timeout=_FRAME_S)
                if broken.done():
                    broken.result()
                self.stage.see_to_bot()
        finally:
            broken.cancel()

    @contextlib.asynccontextmanager
    async def _shown(self) -> AsyncIterator[None]:
        if not self.console.is_terminal:
            lines = Lines(
                self.scene,
                lambda text: self.console.print(text, markup=False, highlight=False, soft_wrap=True),
            )
            async with _repeating(lines.update, _FRAME_S):
                yield
            lines.update()
            return
        board = Board(self.scene)
        with Live(board, console=self.console, screen=True, auto_refresh=False) as live:
            async with _repeating(live.refresh, _FRAME_S):
                yield
        self.console.print(board, height=min(self.console.height - 1, 40))

    @contextlib.asynccontextmanager
    async def _read(self) -> AsyncIterator[None]:
        async def read() -> None:
            while True:
                try:
                    self.scene.readings.append(await self.stage.measured())
                except (OSError, ValueError) as error:
                    self.scene.note = str(error)
                await asyncio.sleep(_SCRAPE_S)

        async with _background(read()):
            yield

    @contextlib.asynccontextmanager
    async def _faults(self) -> AsyncIterator[None]:
        def tell(note: str) -> None:
            self.scene.note = note

        async with _background(faults.play(self.options.faults, self.stage.discord, self.stage.model, tell)):
            yield


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work beside the block, cancelled at its end; what went wrong in it is raised there."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _repeating(step: Callable[[], None], every_s: float) -> contextlib.AbstractAsyncContextManager[None]:
    async def repeat() -> None:
        while True:
            step()
            await asyncio.sleep(every_s)

    return _background(repeat())
