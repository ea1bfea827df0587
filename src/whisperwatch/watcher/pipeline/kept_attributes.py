"""Attributes as the embedded store and the log file keep them: redacted, as for every other way out.

What a bot says is mostly what it said before, so what came of a short text or a number is remembered by key and value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whisperwatch.semconv import HASHED_ATTRIBUTES, MESSAGE_ID
from whisperwatch.watcher.pipeline.redaction import Redaction

_KEYS_KEPT: Final = 256
_VALUES_KEPT: Final = 2048
_TEXTS_KEPT: Final = 4096
_LONGEST_KEPT: Final = 200
_TIMES: Final = range(1, 1 << 62)


def wall(at: int, offset: int) -> int:
    """A time of the tape as wall time in ns.

    Raises:
        OverflowError: nothing can have been then; SQLite would refuse it together with all that came beside it.
    """
    time = at + offset
    if time.__class__ is not int or time not in _TIMES:  # a range is looked through for any other class
        raise OverflowError(f"{time} ns is no time")
    return time


class KeptAttributes:
    """Redacts attributes, and texts that recur."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self.clean = redaction.redactor.text
        """A text as it may be kept."""
        self._values: dict[str, dict[str | int, Any]] = {}
        self._texts: dict[str, str] = {}

    def recurring(self, text: str) -> str:
        """As `clean`, of a name or key."""
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= _TEXTS_KEPT:
                self._texts.clear()
            known = self._texts[text] = self.clean(text)
        return known

    def redacted(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes, in their order."""
        found = {}
        known, texts = self._values, self._texts
        for key, value in attributes.items():
            # by exact class: True, 1 and 1.0 are one dict key
            kind = value.__class__
            kept = None
            if (kind is str or kind is int) and (of_key := known.get(key)) is not None:
                kept = of_key.get(value)
            found[texts.get(key) or self.recurring(key)] = self._value(key, value) if kept is None else kept
        return found

    def _value(self, key: str, value: Any) -> Any:
        if key in HASHED_ATTRIBUTES and value is not None:
            kept: Any = self._redaction(value)
        else:
            kept = self._redaction.redactor.value(key, value)
        kind = value.__class__
        if (kind is int or (kind is str and len(value) < _LONGEST_KEPT)) and key != MESSAGE_ID:
            self._keep(key, value, kept)
        return kept

    def _keep(self, key: str, value: str | int, kept: Any) -> None:
        of_key = self._values.get(key)
        if of_key is None:
            if len(self._values) >= _KEYS_KEPT:
                self._values.clear()
            of_key = self._values[key] = {}
        if len(of_key) >= _VALUES_KEPT:
            of_key.clear()
        of_key[value] = kept
