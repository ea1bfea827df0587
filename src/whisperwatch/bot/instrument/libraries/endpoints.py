"""Where the bot's servers are, as it told its libraries: for the watcher's own health checks, and for nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whisperwatch.bot.recording.recorder import recorder

MOST = 50
"""Endpoints of one process. A bot has a handful; one that makes a client for each call has few different ones."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_known: set[tuple[Any, ...]] = set()


def remember(system: str, arguments: Mapping[str, Any]) -> None:
    """Hand an endpoint to the watcher, once. Only plain values go; what else there is, is named under `opaque`.

    Args:
        system: `postgresql`, `redis`, `chroma`, `qdrant`, `openai`, `anthropic` or `http`.
        arguments: what the bot connects with: host, port, user, password, database and so on.
    """
    plain = {name: value for name, value in arguments.items() if type(value) in _PLAIN}
    opaque = sorted(arguments.keys() - plain.keys())
    key = (system, *sorted(plain.items()), *opaque)
    if key in _known or len(_known) >= MOST:
        return
    _known.add(key)
    recorder.define("endpoint", system, {**plain, "opaque": opaque} if opaque else plain)
