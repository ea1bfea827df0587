"""What the watcher has the bot's processes do: called for on their tapes, each waited for, but not for long."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.watcher.connection import Connection
from whisperwatch.watcher.source import Source

PATIENCE_S: Final = 5.0
"""A loop that is blocked does nothing; who asked waits ten seconds for an answer."""


class Calls:
    """Calls under way.

    Args:
        connections: of each process that is connected.
    """

    def __init__(self, connections: Mapping[Source, Connection]) -> None:
        self._connections = connections
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[Source, asyncio.Future[dict[str, Any]]]] = {}

    async def call(
        self, source: Source, name: str, arguments: Mapping[str, Any], patience_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The RESULT's dict; one with an `error` where there is none. Never raises."""
        connection = self._connections.get(source)
        if connection is None:
            return _failed(f"process {source.pid} is gone")
        number = next(self._numbers)
        result: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[number] = source, result
        connection.send((tape.CALL, number, name, dict(arguments)))
        try:
            async with asyncio.timeout(patience_s):
                return await result
        except TimeoutError:
            return _failed(f"process {source.pid} did not do it within {patience_s:g} s: its loop is busy")
        finally:
            del self._open[number]

    async def call_all(self, name: str, arguments: Mapping[str, Any]) -> list[tuple[Source, dict[str, Any]]]:
        """What came of it in every process that is connected."""
        sources = list(self._connections)
        results = await asyncio.gather(*(self.call(source, name, arguments) for source in sources))
        return list(zip(sources, results, strict=True))

    def returned(self, result: tuple[Any, ...]) -> None:
        """A RESULT has come; nobody waits for one that is late.

        Raises:
            TapeError: it is no result.
        """
        match result:
            case (int() as number, dict() as told):
                if (found := self._open.get(number)) is not None and not found[1].done():
                    found[1].set_result(told)
            case _:
                raise tape.TapeError(f"{result!r:.60} is no result of a call")

    def parted(self, source: Source) -> None:
        """This process is not connected any more."""
        for one, result in self._open.values():
            if one is source and not result.done():
                result.set_result(_failed(f"process {source.pid} has ended"))


def _failed(error: str) -> dict[str, Any]:
    return {"error": error}
