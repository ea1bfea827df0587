"""Who is who: an instance id that outlives restarts, a slot for each process that is alive at once, and the restarts.

Kept in the state directory (`instances.json`); the id may be given instead. The first process of a bot has the id
itself, slot n has `<id>-<n>`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from whisperwatch.watcher.departure import start_of

_logger = logging.getLogger(__name__)
_FILE: Final = "instances.json"


@dataclass(frozen=True, slots=True)
class Place:
    """What a process was assigned. `restarts`: starts in this slot after its first; `returned`: it had this before."""

    instance: str
    slot: int
    restarts: int
    returned: bool = field(default=False, compare=False)


class Instances:
    """The places of one state directory; without one (`directory` None) they last as long as this object.

    Args:
        given: the instance id, where OTEL_RESOURCE_ATTRIBUTES has one.
    """

    def __init__(self, directory: Path | None, given: str | None = None) -> None:
        self._directory, self._given = directory, given
        self._passing: dict[str, Any] = _nobody()

    def identity(self) -> str:
        """The instance id, of slot 0."""
        with self._kept() as kept:
            return self._given or str(kept["id"])

    def assign(self, pid: int, started: int | None) -> Place:
        """The place of a process: the one it has, else the lowest that no living process has."""
        with self._kept() as kept:
            slots: list[dict[str, Any]] = kept["slots"]
            this = {"pid": pid, "started": started}
            slot = next((n for n, holder in enumerate(slots) if _same(holder, this)), None)
            returned = slot is not None
            if slot is None:
                slot = next((n for n, holder in enumerate(slots) if not _lives(holder)), len(slots))
                if slot == len(slots):
                    slots.append({**this, "restarts": 0})
                else:
                    slots[slot] = {**this, "restarts": slots[slot]["restarts"] + 1}
            first = self._given or kept["id"]
            instance = first if slot == 0 else f"{first}-{slot}"
            return Place(instance, slot, slots[slot]["restarts"], returned)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[dict[str, Any]]:
        if self._directory is None:
            yield self._passing
            return
        path = self._directory / _FILE
        try:
            lock = os.open(self._directory / f"{_FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._do_without(error)
            yield self._passing
            return
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            kept = _read(path)
            yield kept
            try:
                _write(path, kept)
            except OSError as error:
                self._do_without(error)
        finally:
            os.close(lock)

    def _do_without(self, error: OSError) -> None:
        _logger.warning(
            "%s can't be kept (%s): the instance id and the restart count last as long as this watcher",
            _FILE,
            error.strerror or error,
        )
        self._directory = None


def _nobody() -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "slots": []}


def _same(holder: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(holder["pid"] == other["pid"] and holder["started"] == other["started"])


def _lives(holder: dict[str, Any]) -> bool:
    started = start_of(holder["pid"])
    return started is not None and started == holder["started"]


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return _nobody()
    try:
        kept = json.loads(text)
        uuid.UUID(str(kept["id"]))
        for holder in kept["slots"]:
            if (
                not all(isinstance(holder[name], int) for name in ("pid", "restarts"))
                or "started" not in holder
            ):
                raise ValueError("a slot has another shape")
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_name(f"{path.name}.corrupt")
        os.replace(path, aside)
        _logger.warning(
            "%s was unreadable (%s) and is now %s: the instance id and the restart count begin anew",
            path,
            error,
            aside,
        )
        return _nobody()
    return dict(kept)


def _write(path: Path, kept: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
