"""Attributes as the embedded store and the log file keep them: redacted, as for every other way out.

What a bot says is mostly what it said before, so what came of a short text or a number is remembered by key and value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from whisperwatch.semconv import HASHED_ATTRIBUTES, MESSAGE_ID
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.redaction import STATEMENTS, system_of

_NEVER_REPEATED: Final = frozenset({MESSAGE_ID, *STATEMENTS})
"""Ids of messages; and SQL, of which another database may show less."""
_KEYS_KEPT: Final = 256
_VALUES_KEPT: Final = 2048
_TEXTS_KEPT: Final = 4096
_LONGEST_KEPT: Final = 200
_TIMES: Final = range(1, 1 << 62)
Kept = TypeVar("Kept")


def wall(at: int, offset: int) -> int:
    """A time of the tape as wall time in ns.

    Raises:
        OverflowError: nothing can have been then; SQLite would refuse it together with all that came beside it.
    """
    time = at + offset
    if time.__class__ is not int or time not in _TIMES:  # a range is looked through for any other class
        raise OverflowError(f"{time} ns is no time")
    return time


class KeptAttributes(Generic[Kept]):
    """Redacts attributes, and texts that recur. `make`: what is kept of a key and a value that were redacted."""

    def __init__(self, redaction: Redaction, make: Callable[[str, Any], Kept]) -> None:
        self._redaction, self._make = redaction, make
        self.clean = redaction.redactor.text
        """A text as it may be kept."""
        self._known: dict[str, dict[str | int, Kept]] = {}
        self._texts: dict[str, str] = {}

    def recurring(self, text: str) -> str:
        """As `clean`, of a name or key."""
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= _TEXTS_KEPT:
                self._texts.clear()
            known = self._texts[text] = self.clean(text)
        return known

    def each(self, attributes: Mapping[str, Any]) -> list[Kept]:
        """What is kept of each, in their order."""
        found = []
        known = self._known
        for key, value in attributes.items():
            # by exact class: True, 1 and 1.0 are one dict key
            kind = value.__class__
            if (
                (kind is str or kind is int)
                and (of_key := known.get(key)) is not None
                and (kept := of_key.get(value)) is not None
            ):
                found.append(kept)
            else:
                found.append(self._one(key, value, attributes))
        return found

    def _one(self, key: str, value: Any, attributes: Mapping[str, Any]) -> Kept:
        if key in HASHED_ATTRIBUTES and value is not None:
            redacted: Any = self._redaction(value)
        else:
            system = system_of(attributes) if key in STATEMENTS else ""
            redacted = self._redaction.redactor.value(key, value, system)
        kept = self._make(self.recurring(key), redacted)
        kind = value.__class__
        if (kind is int or (kind is str and len(value) < _LONGEST_KEPT)) and key not in _NEVER_REPEATED:
            self._keep(key, value, kept)
        return kept

    def _keep(self, key: str, value: str | int, kept: Kept) -> None:
        of_key = self._known.get(key)
        if of_key is None:
            if len(self._known) >= _KEYS_KEPT:
                self._known.clear()
            of_key = self._known[key] = {}
        if len(of_key) >= _VALUES_KEPT:
            of_key.clear()
        of_key[value] = kept


def pair(key: str, value: Any) -> tuple[str, Any]:
    """An attribute of a dict."""
    return key, value
