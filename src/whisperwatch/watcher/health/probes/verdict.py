"""What is said of a server that is asked again and again: one failure is a suspicion, one success no recovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whisperwatch.watcher.health.report import Status

from .answer import Answer

GOOD: Final = 2
"""So many good answers in a row make good what failed."""
SLOW_S: Final = 1.0
"""An answer that takes longer is called slow: degraded."""


class Verdict:
    """The status and its reason, as the answers come in. Times are unix seconds.

    Attributes:
        text: what to say after the server's name.
        since: when the status became what it is; None before the first answer.
        asked: when the last answer or failure was; `answered`: the last good answer.
        took_s: how long that took.
        figures: what the server told of itself with it.
    """

    def __init__(self) -> None:
        self.status: Status = "unknown"
        self.text = "has not answered yet"
        self.since: float | None = None
        self.asked: float | None = None
        self.answered: float | None = None
        self.took_s: float | None = None
        self.figures: Mapping[str, int] = {}
        self._good = 0

    @property
    def recovering(self) -> bool:
        """It has failed and answers again: the next question need not wait for long."""
        return self.status == "degraded" and 0 < self._good < GOOD

    def good(self, text: str, took_s: float, now: float) -> None:
        """It has answered as it should."""
        self.answered, self.took_s = now, took_s
        if isinstance(text, Answer):
            self.figures = text.figures
        self._good += 1
        slow = took_s > SLOW_S
        told = f"{text}, but slowly ({took_s:.1f} s)" if slow else f"{text} ({took_s * 1000:.0f} ms)"
        if self._good < GOOD and self.status in ("degraded", "unhealthy"):
            self._set("degraded", f"{told} after it failed: good answer {self._good} of {GOOD}", now)
        else:
            self._set("degraded" if slow else "healthy", told, now)

    def suspect(self, why: str, attempt: int, attempts: int, now: float) -> None:
        """An attempt has failed, and another will be made."""
        self._good = 0
        if self.status == "unhealthy":
            self._set("unhealthy", why, now)
        else:
            self._set("degraded", f"suspect: {why} (attempt {attempt} of {attempts})", now)

    def bad(self, why: str, now: float) -> None:
        """Every attempt has failed, or another would be of no use."""
        self._good = 0
        self._set("unhealthy", why, now)

    def unclear(self, why: str, now: float) -> None:
        """It can't be asked from here."""
        self._set("unknown", why, now)

    def _set(self, status: Status, text: str, now: float) -> None:
        if status != self.status or self.since is None:
            self.since = now
        self.status, self.text, self.asked = status, text, now
