"""Whether a process leaks memory, in the same words wherever it is told."""

from __future__ import annotations

from typing import Final

from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.insight.leak import Leak

_WORDS: Final = {
    "leaks": "The bot leaks memory",
    "no leak": "No leak",
    "not known yet": "Whether it leaks is not known yet",
}


def told(leak: Leak) -> str:
    """A sentence: the verdict, how fast it grows where it leaks, and why."""
    leaks = leak.verdict == "leaks" and leak.a_day is not None
    growth = f", {number(leak.a_day or 0.0, 'By')} a day" if leaks else ""
    return f"{_WORDS[leak.verdict]}{growth}: {leak.reason}."


def status(leak: Leak) -> str | None:
    """None where it isn't known yet."""
    return {"leaks": "degraded", "no leak": "healthy"}.get(leak.verdict)
