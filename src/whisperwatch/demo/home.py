"""The demo's temporary directory, and the promise that it and all child processes are gone afterwards.

A clean end removes both here. For an unclean one (kill -9, a closed terminal) a small process, the reaper, holds the
other end of a pipe: when the pipe breaks it ends what is still registered and removes the directory.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType

_REAPER = Path(__file__).with_name("reaper.py")


class Home:
    """An async context manager, with a directory while it lasts."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._reaper: asyncio.subprocess.Process | None = None

    @property
    def path(self) -> Path:
        """The directory; there is one only inside the context."""
        assert self._path is not None, "the demo's directory is made by entering the context"
        return self._path

    async def __aenter__(self) -> Home:
        self._path = Path(tempfile.mkdtemp(prefix="whisperwatch-demo-"))
        # Others may pass through, not look: as root, PostgreSQL runs as another user in here.
        self.path.chmod(0o711)
        self._reaper = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_REAPER), str(self.path),
            stdin=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(shutil.rmtree, self.path, ignore_errors=True)
        if self._reaper is not None:
            assert self._reaper.stdin is not None
            self._reaper.stdin.close()
            await self._reaper.wait()

    def room(self, name: str) -> Path:
        """A directory of one's own in here, for this user alone (0700)."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def keep(self, pid: int) -> None:
        """This process is the leader of a group that has to end with the demo."""
        self._tell(f"+{pid}\n")

    def release(self, pid: int) -> None:
        """This process has ended and was waited for."""
        self._tell(f"-{pid}\n")

    def _tell(self, line: str) -> None:
        if (
            self._reaper is not None
            and self._reaper.stdin is not None
            and not self._reaper.stdin.is_closing()
        ):
            self._reaper.stdin.write(line.encode())
