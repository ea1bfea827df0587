"""Name look-ups that hang delay nobody: each has a thread of its own, which nothing waits for at the end.

asyncio's own go through a pool of few threads: some names whose server doesn't answer would hold up every other
look-up, and then the end of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any, Final

MOST: Final = 16
"""Look-ups under way at once; one more fails at once."""


class Loop(asyncio.SelectorEventLoop):
    """The watcher's event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._under_way: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """As asyncio's. Who asks for what is being looked up already waits for that.

        Raises:
            OSError: the name can't be resolved, or too many look-ups hang.
        """
        asked = host, port, family, type, proto, flags
        found = self._under_way.get(asked)
        if found is None:
            if len(self._under_way) >= MOST:
                raise socket.gaierror(socket.EAI_AGAIN, f"{MOST} name look-ups are under way and don't end")
            found = self._under_way[asked] = self.create_future()
            threading.Thread(target=self._look_up, args=(asked, found), name="look-up", daemon=True).start()
        return await asyncio.shield(found)

    def _look_up(self, asked: tuple[Any, ...], found: asyncio.Future[Any]) -> None:
        outcome: Any
        try:
            outcome = socket.getaddrinfo(*asked)
        except Exception as error:
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.call_soon_threadsafe(self._found, asked, found, outcome)

    def _found(self, asked: tuple[Any, ...], found: asyncio.Future[Any], outcome: Any) -> None:
        del self._under_way[asked]
        if isinstance(outcome, Exception):
            found.set_exception(outcome)
            found.exception()  # whoever asked may have left
        else:
            found.set_result(outcome)
