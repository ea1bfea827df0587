"""Look-ups in a cache, seen in what it answered: a hit or a miss for each key that was asked for."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import name_of_bot
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.recording.cells import Value

LOOKUPS = frozenset({"GET", "GETEX", "GETDEL", "HGET", "MGET", "HMGET"})
"""Redis' commands whose answer is the value of a key, or of several."""
_NAMES = {semconv.CACHE: "redis", semconv.SOURCE: "redis"}


def looked_up(command: str, answer: Any) -> None:
    """Count what Redis answered; never raises."""
    try:
        if isinstance(answer, Exception):  # within a pipeline
            return
        found = answer if command in ("MGET", "HMGET") else (answer,)
        misses = sum(value is None for value in found)
        hits = len(found) - misses
        name = name_of_bot()
        if hits:
            _count(name, "hit", hits)
        if misses:
            _count(name, "miss", misses)
    except Exception:
        guard.failed("cache look-up")


def _count(bot: str, result: str, amount: int) -> None:
    cell = _cells.get((bot, result))
    if cell is None:
        about = {semconv.BOT_NAME: bot, **_NAMES, semconv.CACHE_RESULT: result}
        cell = _cells[bot, result] = counting(semconv.CACHE_REQUESTS, about)
    cell.add(amount)


_cells: dict[tuple[str, str], Value] = {}
