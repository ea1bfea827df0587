"""A server as a child process: started, waited for until it answers, and surely ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

import psutil

from whisperwatch.demo.home import Home
from whisperwatch.demo.problem import DemoError

_LOOK_AGAIN_S = 0.02
_LOG_TAIL = 5


class Child:
    """One child in a session of its own (so that Ctrl-C in the terminal reaches only us), its output in a file.

    `environment` None is our own.
    """

    def __init__(
        self,
        name: str,
        home: Home,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = home.path / f"{name}.log"
        self._home = home
        self._command = command
        self._environment = environment
        self._user = user
        self._stop_signal = stop_signal
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status (negative: the signal), None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start the process."""
        extra = {} if self._user is None else {"user": self._user, "extra_groups": []}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=None if self._environment is None else dict(self._environment),
                cwd="/" if self._user else None,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **extra,  # type: ignore[arg-type]
            )
        self._home.keep(self._process.pid)

    async def until(self, ready: Callable[[], Awaitable[bool]], timeout_s: float = 30) -> None:
        """Wait until `ready()` holds; connections that it finds refused count as no.

        Raises:
            DemoError: the process ended or the time is over; the message has the end of its log.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._holds(ready):
                    if self.returncode is not None:
                        raise DemoError(f"{self.name} ended with status {self.returncode}: {self.tail()}")
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            raise DemoError(f"{self.name} was not ready after {timeout_s:.0f} s: {self.tail()}") from None

    async def stop(self, patience_s: float = 5) -> None:
        """Ask it to end, wait, then kill its whole group. Does nothing if it was not started."""
        process = self._process
        if process is None:
            return
        family = _family(process.pid)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self._stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await asyncio.to_thread(_end, family, patience_s)
        self._home.release(process.pid)

    def tail(self) -> str:
        """The last lines of its output, in one."""
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        return " | ".join([line.strip() for line in lines if line.strip()][-_LOG_TAIL:]) or "it said nothing"

    async def _holds(self, ready: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await ready()
        except OSError:
            return False


def _family(pid: int) -> list[psutil.Process]:
    """The process' children, and theirs."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _end(family: list[psutil.Process], patience_s: float) -> None:
    """Wait for those that end by themselves, and kill those that don't."""
    _, left = psutil.wait_procs(family, timeout=patience_s)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


async def run(name: str, command: Sequence[str], user: str | None) -> None:
    """Run a command to its end.

    Raises:
        DemoError: it failed; the message has what it said.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/" if user else None,
        **({} if user is None else {"user": user, "extra_groups": []}),  # type: ignore[arg-type]
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        text = " | ".join(said.decode(errors="replace").strip().split("\n")[-_LOG_TAIL:])
        raise DemoError(f"{name} failed with status {process.returncode}: {text}")
