"""Work that is done once for all who wait for it, and no longer than anybody does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Begins it, in a task of the running loop."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.ensure_future(work)
        self._waiting = 0

    @property
    def good(self) -> bool:
        """Whether it is under way, or done without a failure."""
        task = self._task
        return not task.cancelling() and (not task.done() or not (task.cancelled() or task.exception()))

    async def wait(self) -> T:
        """What comes of it, or the exception that it ends with. It is cancelled when the last one who waits is."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()
