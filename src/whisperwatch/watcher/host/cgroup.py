"""What the cgroup allows and uses: in a container that is the hundred per cent, not what the host has.

Version 2 and version 1. Limits hold for all ancestors too, so the tightest one counts. psutil knows nothing of this.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_UNLIMITED: Final = 2**60
"""Version 1 writes "no limit" as the largest multiple of the page size."""


class Cgroup:
    """The cgroup of a process.

    Args:
        mount: where the cgroup file systems are mounted.
        membership: the file that names the groups of the process.

    Every figure is None where there is no cgroup, no limit, or no leave to read it.
    """

    def __init__(
        self, mount: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
    ) -> None:
        paths = dict(_membership(membership))
        if (mount / "cgroup.controllers").exists():
            self._cpu = self._memory = self._usage = _levels(mount, paths.get("", "/"))
            self._is_v2 = True
        else:
            self._cpu, self._usage, self._memory = (
                _levels(directory, paths[name])
                if (directory := _v1_mount(mount, name)) and name in paths
                else []
                for name in ("cpu", "cpuacct", "memory")
            )
            self._is_v2 = False

    def cpu_limit(self) -> float | None:
        """CPUs that may be used: the tightest quota of the group and its ancestors."""
        limited = self._limited_by(self._cpu, self._quota)
        return None if limited is None else limited[1]

    def cpu_time(self) -> float | None:
        """CPU seconds used under the tightest quota since that group was made; None without a quota."""
        limited = self._limited_by(self._cpu, self._quota)
        if limited is None:
            return None
        if self._is_v2:
            microseconds = _keyed(limited[0] / "cpu.stat", "usage_usec")
            return None if microseconds is None else microseconds / 1e6
        level = self._usage[min(self._cpu.index(limited[0]), len(self._usage) - 1)] if self._usage else None
        nanoseconds = _number(level / "cpuacct.usage") if level else None
        return None if nanoseconds is None else nanoseconds / 1e9

    def memory(self) -> tuple[int, int] | None:
        """Bytes in use (without the page cache that can be dropped at once) and allowed."""
        name = "memory.max" if self._is_v2 else "memory.limit_in_bytes"
        limited = self._limited_by(self._memory, lambda level: _number(level / name))
        if limited is None or limited[1] >= _UNLIMITED:
            return None
        level, limit = limited
        used = _number(level / ("memory.current" if self._is_v2 else "memory.usage_in_bytes"))
        if used is None:
            return None
        cache = _keyed(level / "memory.stat", "inactive_file" if self._is_v2 else "total_inactive_file")
        return max(0, used - (cache or 0)), int(limit)

    def _quota(self, level: Path) -> float | None:
        if self._is_v2:
            quota, _, period = _text(level / "cpu.max").partition(" ")
            return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None
        microseconds, per = _number(level / "cpu.cfs_quota_us"), _number(level / "cpu.cfs_period_us")
        return microseconds / per if microseconds and per and microseconds > 0 else None

    @staticmethod
    def _limited_by(levels: list[Path], read: Callable[[Path], float | None]) -> tuple[Path, float] | None:
        limits = [(level, limit) for level in levels if (limit := read(level)) is not None]
        return min(limits, key=lambda found: found[1], default=None)


def _membership(file: Path) -> Iterator[tuple[str, str]]:
    """(controller, path) of each line of /proc/…/cgroup; the controller of version 2 is the empty one."""
    for line in _text(file).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        for controller in controllers.split(","):
            yield controller, path


def _v1_mount(mount: Path, controller: str) -> Path | None:
    candidates = (controller, "cpu,cpuacct", "cpuacct,cpu") if controller.startswith("cpu") else (controller,)
    return next((mount / name for name in candidates if (mount / name).is_dir()), None)


def _levels(mount: Path, path: str) -> list[Path]:
    """The directories of the group and its ancestors that can be seen: in a container that may be the mount alone."""
    relative = Path(os.path.normpath(path.lstrip("/") or "."))
    if ".." in relative.parts:
        return [mount]
    levels = [mount / relative, *((mount / relative).parents)]
    return [level for level in levels if level.is_relative_to(mount) and level.is_dir()]


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.lstrip("-").isdigit() else None


def _keyed(file: Path, key: str) -> int | None:
    for line in _text(file).splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.isdigit():
            return int(value)
    return None
