"""Why a bot's process ended, as far as a process that isn't its parent can know."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import time
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
_GET_INFO: Final = 0xC040FF0B
"""PIDFD_GET_INFO of linux/pidfd.h, with the first 64 bytes of its struct. Tells of reaped processes from 6.15 on."""
_INFO: Final = struct.Struct("=QQ11Ii")
_INFO_EXIT: Final = 1 << 3
_STATE, _STARTED, _EXIT_STATUS = 0, 19, 49
"""Places in `/proc/<pid>/stat`, after the name."""
_LOOK_EVERY_S: Final = 0.002


class Process:
    """A bot's process from its hello on.

    Attributes:
        started: when it started, in ticks since the machine's boot: with the pid it names the process for good.
            None where that can't be known.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.started = start_of(pid)
        self._descriptor = _open(pid)
        self._cgroup = _memory_cgroup(pid)
        self._oom_kills = _oom_kills(self._cgroup)
        self._status: int | None = None

    def look(self) -> None:
        """To be called now and then while it lives: an OOM kill that it survived is not its end."""
        self._oom_kills = _oom_kills(self._cgroup)

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as can be known."""
        if self._status is not None:
            return False
        runs = self.started is not None and start_of(self.pid) == self.started
        self._status = self._read_status()  # after the look, so that what is found dead has its status read
        return runs and self._status is None

    @property
    def stopped(self) -> bool:
        """Whether it may not run, by a SIGSTOP or a debugger."""
        fields = _stat(self.pid)
        return fields is not None and fields[_STATE] in "Tt"

    async def gone(self, within_s: float) -> bool:
        """Wait for its end, and look for its exit status before its parent takes that away."""
        deadline = time.monotonic() + within_s
        while self.alive:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def why(self) -> str:
        """A phrase for people, such as `killed by signal 9 (SIGKILL)`."""
        killed = _oom_kills(self._cgroup) - self._oom_kills
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        if killed > 0 and code in (None, -signal.SIGKILL):
            return f"killed (the cgroup's OOM count rose by {killed})"
        if code is None:
            return "without goodbye: killed by a signal, or crashed"
        if code < 0:
            return f"killed by signal {-code} ({_name(-code)})"
        return f"exit status {code}, without goodbye"

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _read_status(self) -> int | None:
        if (status := self._ask_descriptor()) is not None:
            return status
        fields = _stat(self.pid)
        if fields and fields[_STATE] in "ZX" and int(fields[_STARTED]) == self.started:
            return int(fields[_EXIT_STATUS])
        return None

    def _ask_descriptor(self) -> int | None:
        if self._descriptor is None:
            return None
        answer = bytearray(_INFO.size)
        _INFO.pack_into(answer, 0, _INFO_EXIT, *([0] * 13))
        try:
            fcntl.ioctl(self._descriptor, _GET_INFO, answer)
        except OSError:
            return None
        mask, *_, status = _INFO.unpack(answer)
        return status if mask & _INFO_EXIT else None


def start_of(pid: int) -> int | None:
    """When a living process started, in ticks since boot; None when there is none, or it is a zombie."""
    fields = _stat(pid)
    return int(fields[_STARTED]) if fields and fields[_STATE] not in "ZX" else None


def _stat(pid: int) -> list[str] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields if len(fields) > _EXIT_STATUS else None


def _open(pid: int) -> int | None:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _memory_cgroup(pid: int) -> Path | None:
    """The file that counts the OOM kills of the process' cgroup: v2's `memory.events`, v1's `memory.oom_control`."""
    for line in _cgroups_of(pid):
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if not controllers:
            places = [CGROUPS / inside / "memory.events", CGROUPS / "memory.events"]
        elif "memory" in controllers.split(","):
            places = [
                CGROUPS / "memory" / inside / "memory.oom_control",
                CGROUPS / "memory" / "memory.oom_control",
            ]
        else:
            continue
        for place in places:
            if place.is_file():
                return place
    return None


def _cgroups_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return []


def _oom_kills(file: Path | None) -> int:
    if file is not None:
        with contextlib.suppress(OSError, ValueError):
            for line in file.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
