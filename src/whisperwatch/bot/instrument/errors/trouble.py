"""What went wrong under one root, and what that makes of it when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import StatusCode

from whisperwatch import semconv
from whisperwatch.bot.instrument.errors.rules import Verdict
from whisperwatch.bot.recording.exceptions import Reduced
from whisperwatch.bot.recording.roots import Root

_MOST_CALLS = 50
_MOST_WORDS = 100
_SHORTEST_WORD, _LONGEST_WORD = 6, 200


class Mark:
    """Put on an exception: whether it has been counted. Who waits to see whether it will be keeps this, not the
    exception, whose frames would live on with it."""

    __slots__ = ("counted",)

    def __init__(self) -> None:
        self.counted = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed, and may yet be tried again."""

    verdict: Verdict
    kind: str
    mark: Mark
    exception: Reduced | None


class Trouble:
    """Errors that were counted under a root, and calls that failed. `count` is called for those that stay so."""

    __slots__ = ("_count", "_held", "_words", "errors", "interrupted")

    def __init__(self, count: Callable[[Verdict, str, Root, Reduced | None], None]) -> None:
        self._count = count
        self._held: dict[Any, Failed] = {}
        self._words: list[str] = []
        self.errors = 0
        self.interrupted: str | None = None
        """The component whose call was cancelled last."""

    def happened(self, root: Root, kind: str, words: Sequence[str] = ()) -> None:
        """An error was counted; the first one's type is the root's. `words`: see `is_told_in`."""
        self.errors += 1
        if len(self._words) < _MOST_WORDS:
            self._words += [word[:_LONGEST_WORD] for word in words if len(word) >= _SHORTEST_WORD]
        root.touched = True
        if root.own is None:
            root.own = {}
        root.own.setdefault(semconv.ERROR_TYPE, kind)

    def is_told_in(self, text: str) -> bool:
        """Whether a text tells of an error that was counted."""
        return any(word in text for word in self._words)

    def failed(self, call: Any, failed: Failed) -> None:
        """A call failed; the newest failure of the same call is the one that counts."""
        if call in self._held or len(self._held) < _MOST_CALLS:
            self._held[call] = failed

    def succeeded(self, call: Any) -> None:
        """The same call went well, at a later try."""
        self._held.pop(call, None)

    def ends(self, root: Root, replied: bool) -> None:
        """The root ends: count what was held and nobody else counted, and say what it was for the user."""
        held, self._held = self._held, {}
        for failed in held.values():
            if not failed.mark.counted:
                self._count(failed.verdict, failed.kind, root, failed.exception)
        if not self.errors:
            return
        if root.status_code:
            return  # it failed, whatever was said to the user
        if replied:
            root.own = {**(root.own or {}), semconv.DEGRADED: True}
        else:
            root.ornate = True
            root.status_code = StatusCode.ERROR.value
