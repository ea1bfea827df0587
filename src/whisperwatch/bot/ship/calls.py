"""What the watcher calls for, because only the bot's process can do it: a setting of its own changed, say.

The ship brings the call, the bot's loop does it in a task of its own, the ship takes back what came of it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.bot import guard

MOST: Final = 8
"""Calls under way at once."""

_NO_LOOP: Final = "No event loop runs in the bot's process."

Callee = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""From a CALL's arguments to a RESULT's dict, on the bot's loop. What it raises is told of by its type."""


class Calls:
    """The calls of one connection after the other. `take`, `frames` and `disconnected` belong to the ship's thread.

    Args:
        callees: what can be called for, by name.
        loop: gives the bot's loop, or None while there is none.
        wake: has the ship look here soon.
    """

    def __init__(
        self,
        callees: Mapping[str, Callee],
        loop: Callable[[], asyncio.AbstractEventLoop | None],
        wake: Callable[[], None],
    ) -> None:
        self._callees, self._loop, self._wake = callees, loop, wake
        self._under_way: dict[int, asyncio.Task[None] | None] = {}
        self._results: deque[tuple[int, tuple[Any, ...]]] = deque()
        self._connection = 0

    def take(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        """A CALL has come."""
        connection, loop, callee = self._connection, self._loop(), self._callees.get(name)
        if callee is None:
            self._end(connection, number, _failed(f"This process of the bot has no {name!r:.40}."))
        elif len(self._under_way) >= MOST:
            self._end(connection, number, _failed("Too much is called for at once: try again later."))
        elif loop is None or loop.is_closed():
            self._end(connection, number, _failed(_NO_LOOP))
        else:
            self._under_way[number] = None
            asked = connection, number, callee, arguments
            try:
                loop.call_soon_threadsafe(self._start, *asked, context=contextvars.Context())
            except RuntimeError:  # it was closed just now
                self._end(connection, number, _failed(_NO_LOOP))

    @property
    def ended(self) -> bool:
        """Whether there is something to send."""
        return bool(self._results)

    def frames(self) -> Iterator[bytes]:
        """What is to be sent; what an earlier connection called for, nobody waits for."""
        while self._results:
            connection, frame = self._results.popleft()
            if connection == self._connection:
                yield tape.pack(frame)

    def disconnected(self) -> None:
        """Who has called is gone."""
        self._connection += 1
        self._under_way.clear()

    def _start(self, connection: int, number: int, callee: Callee, arguments: dict[str, Any]) -> None:
        doing = self._do(connection, number, callee, arguments)
        task = asyncio.get_running_loop().create_task(doing, name="whisperwatch: call")
        self._under_way[number] = task  # the loop alone would let go of it

    async def _do(self, connection: int, number: int, callee: Callee, arguments: dict[str, Any]) -> None:
        try:
            result = await callee(arguments)
        except Exception as error:
            guard.failed("call")
            result = _failed(f"It failed in the bot's process ({type(error).__name__}).")
        self._end(connection, number, result)

    def _end(self, connection: int, number: int, result: dict[str, Any]) -> None:
        if connection == self._connection:
            self._under_way.pop(number, None)
            self._results.append((connection, (tape.RESULT, number, result)))
            self._wake()


def _failed(error: str) -> dict[str, Any]:
    return {"error": error}
