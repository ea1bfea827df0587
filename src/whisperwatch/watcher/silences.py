"""Follows the bots' processes that should be heard and aren't: what keeps them is looked for before anybody asks.

Health is asked hundreds of times a second and has to answer at once, so it takes what was found here last.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from whisperwatch.watcher import spyglass, stack
from whisperwatch.watcher.source import Source

AFTER_S: Final = 1.0
"""A beat comes every 0.4 s. Health calls a process silent after as long."""
_EVERY_S: Final = 1.0
"""While a silence lasts."""
_SHORTEST_REST_S: Final = 0.1
_logger = logging.getLogger(__name__)


class Silences:
    """Looks into silent processes, one after the other, and tells their sources what it finds.

    Args:
        sources: all of them.
        look: see `spyglass.look`.
    """

    def __init__(
        self,
        sources: Callable[[], Sequence[Source]],
        look: Callable[[int], Awaitable[bytes]] = spyglass.look,
    ) -> None:
        self._sources, self._look = sources, look

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            silent = [source for source in self._watched() if _due_in_s(source) <= 0 and _may_run(source)]
            for source in silent:
                try:
                    await self._read(source)
                except Exception:
                    _logger.exception("process %d could not be looked into", source.pid)
            due_in_s = min(map(_due_in_s, self._watched()), default=AFTER_S)
            await asyncio.sleep(_EVERY_S if silent else max(due_in_s, _SHORTEST_REST_S))

    def _watched(self) -> list[Source]:
        """Those that may be looked into. The watcher can be a thread of its bot: it would look into itself."""
        return [
            source
            for source in self._sources()
            if source.connected and source.hello.get("read_stacks") is True and source.pid != os.getpid()
        ]

    async def _read(self, source: Source) -> None:
        heard = source.beat_received_ns
        holder, unreadable = source.holder, None
        try:
            found = stack.parse(await self._look(source.pid), (source.beat or {}).get("thread"))
            holder = found or holder  # nobody may have it for a moment
        except spyglass.UnreadableError as error:
            unreadable = str(error)
        except ValueError:
            unreadable = "py-spy's answer can't be understood"
        if source.beat_received_ns == heard:
            source.holder, source.unreadable = holder, unreadable


def _due_in_s(source: Source) -> float:
    return AFTER_S - (time.monotonic_ns() - source.beat_received_ns) / 1e9


def _may_run(source: Source) -> bool:
    return source.process.alive and not source.process.stopped
