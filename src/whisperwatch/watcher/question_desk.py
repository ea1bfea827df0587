"""Where questions come to: what answers them is imported with the first.

It is a quarter of what a watcher is, in the time that it takes to start and in memory; many are never asked.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from whisperwatch.watcher.material import Material
from whisperwatch.watcher.web.no_api import NO_API

if TYPE_CHECKING:
    from whisperwatch.watcher.answering import Answering

_ANSWERING: Final = "whisperwatch.watcher.answering"


class QuestionDesk:
    """Passes questions on to `Answering`."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._answering: Answering | None = None

    async def answer(self, question: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The ANSWER to an ASK."""
        if self._answering is None:
            await asyncio.to_thread(importlib.import_module, _ANSWERING)  # health is told meanwhile
        return await self._ready().answer(question, arguments)

    def routes(self) -> Sequence[Route]:
        """The report API's, where there is a token for it."""
        token = self._material.current.settings.api.token
        return [NO_API] if token is None else self._ready().routes(token)

    async def close(self) -> None:
        """Answer no more."""
        if self._answering is not None:
            await self._answering.close()

    def _ready(self) -> Answering:
        if self._answering is None:
            self._answering = importlib.import_module(_ANSWERING).Answering(self._material)
        return self._answering
