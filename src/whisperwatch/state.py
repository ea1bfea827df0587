"""The state directory: where it is, and what both processes keep there.

`WHISPERWATCH_STATE_DIR`, else `.whisperwatch` beside the bot's main script, else in the working directory; mode 0700.
It holds the watcher's socket, the key under which ids are hashed, and what the watcher remembers of this bot. Where
it can't be made or written, everything works without it, and `StateDirectory.problem` says what is lost.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "WHISPERWATCH_STATE_DIR"
HASH_KEY = "WHISPERWATCH_HASH_KEY"
"""The key of the id hashes, for a fleet; `…_FILE` names a file that holds it."""
_NAME = ".whisperwatch"
_KEY_BYTES = 32
_SHORTEST_KEY = 32
"""Characters of a key that is given: half of that is what hexadecimal digits of 128 bits take."""
_ADDRESS_BYTES = 100
"""Longer paths don't fit into the address of a unix socket (108 bytes, 104 on some systems)."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """An opened state directory. `path` is None where there is none; then `problem` says why."""

    path: Path | None
    problem: str | None = None

    @property
    def socket(self) -> Path | None:
        """Where a running watcher listens."""
        return None if self.path is None else self.path / "watcher.sock"

    @property
    def lock(self) -> Path | None:
        """Held (`flock`) by the one watcher of this directory for as long as it lives, by whoever starts it before."""
        return None if self.path is None else self.path / "watcher.lock"

    @property
    def users(self) -> Path | None:
        """Where older watchers kept the table of active users, which is in the store now."""
        return None if self.path is None else self.path / "users.db"

    def key(self) -> bytes:
        """The key of this bot's id hashes, 32 bytes: `WHISPERWATCH_HASH_KEY`, else the directory's (mode 0600, made on
        first use); without a directory a passing one.

        Raises:
            ValueError: the given or the kept one is too short.
            OSError: it can't be read or made.
        """
        given = _given_key()
        if given is not None:
            return given
        if self.path is None:
            return passing_key()
        return _read_or_make(self.path / "key")


def open_state(main_script: str | None = None) -> StateDirectory:
    """Make or find the state directory, and see that it can be written."""
    path = _where(main_script)
    try:
        _make_directory(path)
        probe = path / f".probe-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = (
            f"the state directory {path} can't be written ({reason}): the instance id, the restart count and the key "
            f"of the id hashes last only as long as this process. Set {VARIABLE} to a directory that can."
        )
        return StateDirectory(None, problem)
    return StateDirectory(path)


@contextlib.contextmanager
def address(socket_path: Path) -> Iterator[str]:
    """`socket_path` as an address to bind or to connect to; one that is too long goes by its directory's descriptor.

    Raises:
        OSError: it is too long, and this system has no way around that.
    """
    if len(os.fsencode(socket_path)) <= _ADDRESS_BYTES:
        yield str(socket_path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise OSError(f"the path {socket_path} is too long for a socket: set {VARIABLE} to a shorter one")
    directory = os.open(socket_path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{socket_path.name}"
    finally:
        os.close(directory)


def hash_id(key: bytes, value: object) -> str:
    """An id as it may leave: 16 hex digits of BLAKE2b, keyed."""
    return hashlib.blake2b(str(value).encode(), key=key, digest_size=8).hexdigest()


def hash_key_of(text: str) -> bytes:
    """The key that a given text stands for.

    Raises:
        ValueError: it is too short to keep anybody from trying all ids with all keys.
    """
    text = text.strip()
    if len(text) < _SHORTEST_KEY:
        raise ValueError(f"has {len(text)} characters, which is too short")
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest()


def _given_key() -> bytes | None:
    text, name = os.environ.get(HASH_KEY, "").strip(), HASH_KEY
    path = os.environ.get(f"{HASH_KEY}_FILE", "").strip()
    if not text and path:
        text, name = Path(path).expanduser().read_text(), f"the file of {HASH_KEY}_FILE"
    if not text and not path:
        return None
    try:
        return hash_key_of(text)
    except ValueError as error:
        raise ValueError(f"{name} {error}: it should have at least {_SHORTEST_KEY} characters") from None


def _where(main_script: str | None) -> Path:
    set_by_user = os.environ.get(VARIABLE)
    if set_by_user:
        return Path(set_by_user).expanduser().absolute()
    script = main_script or getattr(sys.modules.get("__main__"), "__file__", None)
    base = Path(script).absolute().parent if script else Path.cwd()
    return base / _NAME


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    (path / ".gitignore").write_text("*\n")  # it is often made in the bot's repository, and holds a key


@functools.cache
def passing_key() -> bytes:
    """A key that lasts as long as this process, where there is no other."""
    return secrets.token_bytes(_KEY_BYTES)


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    kept = path.read_bytes()
    if len(kept) < _KEY_BYTES:
        raise ValueError(
            f"{path} holds {len(kept)} bytes, not a key of {_KEY_BYTES}: delete it to make a new one"
        )
    return kept[:_KEY_BYTES]


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(new, path)
    except FileExistsError:  # another process was first: its key it is
        pass
    except OSError:  # a file system without links
        os.replace(new, path)
    new.unlink(missing_ok=True)
