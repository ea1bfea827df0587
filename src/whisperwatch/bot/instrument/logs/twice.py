"""A record that comes both by `logging` and by loguru, because the bot hands the one's to the other, is one.

From `logging` to loguru goes an `InterceptHandler`, which runs while `logging` calls its handlers; from loguru to
`logging` a sink, which names the line and the function of the very same call.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar, Token
from typing import Literal

By = Literal["logging", "loguru"]


class Twice:
    """What was recorded last in this thread, and what `logging` hands to its handlers just now.

    Attributes:
        possible: loguru is there.
    """

    def __init__(self) -> None:
        self.possible = False
        self._handling: ContextVar[str | None] = ContextVar("whisperwatch_handling", default=None)
        self._last = threading.local()

    def handling(self, body: str) -> Token[str | None]:
        """`logging` calls its handlers with this message now, until `handled`."""
        return self._handling.set(body)

    def handled(self, token: Token[str | None]) -> None:
        self._handling.reset(token)

    def was_there(self, other: By, body: str, line: int, function: str | None) -> bool:
        """Whether the `other` library brought the same record; if not, it is remembered as brought by this one."""
        if other == "logging" and self._handling.get() == body:
            return True
        last: tuple[object, ...] | None = getattr(self._last, "record", None)
        same = last == (other, body, line, function)
        mine: By = "loguru" if other == "logging" else "logging"
        self._last.record = None if same else (mine, body, line, function)
        return same


twice = Twice()
"""This process's."""
