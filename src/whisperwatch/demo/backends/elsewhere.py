"""Servers that others run, such as docker-compose.yml's: where the environment names one, the demo starts none itself.

Each variable may end in `_FILE` and name a file that holds the address, for addresses with a password in them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from whisperwatch.demo.problem import DemoError

DATABASE: Final = "DEMO_DATABASE_URL"
REDIS: Final = "DEMO_REDIS_URL"
CHROMA: Final = "DEMO_CHROMA_URL"
COLLECTOR: Final = "DEMO_OTLP_ENDPOINT"
_ALL: Final = (DATABASE, REDIS, CHROMA, COLLECTOR)


def address(variable: str) -> str | None:
    """What the environment says of a server; None: nothing.

    Raises:
        DemoError: the file that it names can't be read.
    """
    if path := os.environ.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise DemoError(f"{variable}_FILE: {path} can't be read ({error.strerror})") from None
    return os.environ.get(variable) or None


def named() -> list[str]:
    """The variables that name a server."""
    return [variable for variable in _ALL if address(variable)]


@dataclass(slots=True)
class Elsewhere:
    """A server that is there already, in the place of one of ours.

    Attributes:
        told: the variable by which the bot's process finds it.
    """

    name: str
    told: str
    url: str

    def environment(self) -> dict[str, str]:
        return {self.told: self.url}

    async def start(self) -> None:
        """It runs."""

    async def stop(self) -> None:
        """It goes on."""
