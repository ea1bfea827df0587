"""Where the store's file lies: whether SQLite can keep its word there, and who else writes it."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import Final

from whisperwatch.watcher.store.errors import StoreError

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs"}
)
_NETWORK_FUSE: Final = re.compile(r"fuse\.(sshfs|s3fs|rclone|glusterfs|ceph|gcsfuse|davfs|curlftpfs|juicefs)")
_PASSING: Final = {
    "tmpfs": "in memory (tmpfs): a restart of the machine empties it",
    "ramfs": "in memory (ramfs): a restart of the machine empties it",
    "overlay": "in the container's own layer (overlay): it goes with the container. Mount a volume there",
}
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_MOUNTS: Final = Path("/proc/self/mountinfo")


def refuse_network(path: Path, mounts: str | None = None) -> None:
    """See that `path` is on no network file system: locks and write-ahead logs don't hold there.

    Raises:
        StoreError: it is.
    """
    kind = file_system(path, mounts)
    if kind in _NETWORK or _NETWORK_FUSE.fullmatch(kind):
        raise StoreError(
            f"{path} is on a network file system ({kind}), where a database can't be kept: give the store a path on "
            "a disk of this machine"
        )


def warning(path: Path, mounts: str | None = None) -> str | None:
    """What the operator should know of the place, if anything."""
    why = _PASSING.get(file_system(path, mounts))
    return None if why is None else f"the store {path} is {why}"


def file_system(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that `path` is or would be on; "" where that can't be known.

    Args:
        mounts: what /proc/self/mountinfo says.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    real = path.absolute().resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        if real.is_relative_to(point) and len(point.parts) >= best:  # a later mount covers an earlier one
            best, kind = len(point.parts), after.split()[0]
    return kind


class Lock:
    """Held by the one process that writes a store; the file beside it has its number.

    Raises:
        StoreError: another process holds it, or it can't be made.
    """

    def __init__(self, store: Path) -> None:
        path = store.with_name(f"{store.name}.lock")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path} can't be made: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            os.close(descriptor)
            who = f"process {holder}" if holder else "another process"
            raise StoreError(
                f"{store} is written by {who}: one watcher writes a store. Give this one another path, or the bots one "
                "state directory, so that they share a watcher"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let another have it."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)
