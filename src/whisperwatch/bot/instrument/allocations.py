"""Which lines of the bot hold the memory that they have taken lately: `tracemalloc`, for a while, when an admin asks.

While it traces, each allocation costs two to four times as much; what is found is what was taken meanwhile and is still
held.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
import tracemalloc
from typing import Any, Final

MOST_S: Final = 60.0
_TOP: Final = 10


class Allocations:
    """One tracing at a time, and what the last one has found."""

    def __init__(self) -> None:
        self._until = 0.0
        self._found: dict[str, Any] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """CALL `trace_allocations`: trace for `seconds`. One that is under way goes on."""
        if self._task is None or self._task.done():
            if tracemalloc.is_tracing():
                return {"error": "The bot traces its allocations itself (tracemalloc)."}
            seconds = min(max(float(arguments.get("seconds", 0.0)), 1.0), MOST_S)
            self._found, self._until = None, time.monotonic() + seconds
            self._task = asyncio.create_task(self._trace(seconds), name="whisperwatch: allocations")
        return await self.tell({})

    async def tell(self, _: dict[str, Any]) -> dict[str, Any]:
        """CALL `allocations`: what the last tracing has found; `left_s` while it is under way."""
        if self._task is not None and not self._task.done():
            return {"left_s": max(0.0, self._until - time.monotonic())}
        return self._found or {}

    async def _trace(self, seconds: float) -> None:
        tracemalloc.start()
        try:
            await asyncio.sleep(seconds)
            snapshot = tracemalloc.take_snapshot()
            own_bytes = tracemalloc.get_tracemalloc_memory()
        finally:
            tracemalloc.stop()
        found = snapshot.filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)]).statistics("lineno")
        self._found = {
            "seconds": seconds,
            "at": time.time(),
            "bytes": sum(one.size for one in found),
            "traced_bytes": own_bytes,
            "objects": len(gc.get_objects()),
            "lines": [_line(one) for one in found[:_TOP]],
        }


def _line(one: tracemalloc.Statistic) -> tuple[str, int, int, int]:
    """The end of the file's path, the line, the bytes, and how many blocks they are."""
    frame = one.traceback[0]
    path = "/".join(frame.filename.replace(os.sep, "/").split("/")[-3:])
    return path, frame.lineno, one.size, one.count


allocations = Allocations()
"""This process's."""
CALLEES: Final = {"trace_allocations": allocations.start, "allocations": allocations.tell}
"""What the watcher may call for."""
