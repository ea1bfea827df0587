"""The state directory's socket and lock: at most one watcher listens there, and a dead one's socket is no obstacle."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from whisperwatch.state import StateDirectory, address


class AlreadyRunningError(RuntimeError):
    """Another watcher has the state directory."""


def lock(state: StateDirectory) -> int | None:
    """Take the directory's lock for as long as this process lives; None where there are no locks.

    Raises:
        AlreadyRunningError: another watcher has it.
    """
    if state.lock is None:
        return None
    descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunningError(
            f"a watcher is already running for {state.path}: its lock is held"
        ) from None
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def doorway(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at `path`, which is gone afterwards. For the holder of the lock.

    Raises:
        OSError: it can't be made there.
    """
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with address(path) as where:
            listening.bind(where)
        path.chmod(0o600)
        listening.listen(64)
        listening.setblocking(False)
        yield listening
    finally:
        listening.close()
        path.unlink(missing_ok=True)
