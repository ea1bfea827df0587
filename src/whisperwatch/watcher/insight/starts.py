"""When the bot was started, and in which version: what a chart marks, for most that changes then changes by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whisperwatch.semconv import UNKNOWN_VERSION

STARTS: Final = "max(bot.start_time) by service.version"
"""Asked in steps: in each, the newest start of each version."""
_TOGETHER_S: Final = 120.0
"""Processes of one version that start within so much of one another are one start, of a bot that has several."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the bot.

    Attributes:
        at: unix seconds.
        version: of the service; empty where nobody has said it.
        release: it is another version than ran before, as far as is known.
    """

    at: float
    version: str
    release: bool


def starts(points: Mapping[str, Sequence[float | None]], since: float) -> tuple[Start, ...]:
    """Those that the answer to `STARTS` tells of, by version, after `since` (unix seconds), the oldest first."""
    found = {(value, version) for version, values in points.items() for value in values if value is not None}
    return tuple(start for start in _told(sorted(found)) if start.at > since)


def _told(found: Sequence[tuple[float, str]]) -> Iterator[Start]:
    newest: dict[str, float] = {}
    running = ""
    for at, version in found:
        if at - newest.get(version, float("-inf")) > _TOGETHER_S:
            known = "" if version == UNKNOWN_VERSION else version
            yield Start(at, known, release=bool(known) and known != running)
            running = known or running
        newest[version] = at
