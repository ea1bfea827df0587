"""Attributes as OTLP KeyValues.

What a bot says is mostly what it said before, so the bytes of string and int attributes are kept by key and value,
in bounded caches. All that leaves on spans is redacted here, once for each value that is kept.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from typing import Any, Final

from whisperwatch.semconv import HASHED_ATTRIBUTES, MESSAGE_ID
from whisperwatch.watcher.pipeline.protobuf import message, text, utf8, varint
from whisperwatch.watcher.pipeline.redaction import DIGITS, Redaction
from whisperwatch.watcher.redaction import STATEMENTS, system_of

_logger = logging.getLogger(__name__)
_NEVER_REPEATED: Final = frozenset({MESSAGE_ID, *STATEMENTS})
"""Ids of messages; and SQL, of which another database may show less."""
_REPEATING: Final = frozenset({str, int})
_KEYS_KEPT: Final = 256
_VALUES_KEPT: Final = 2048
_LONGEST_KEPT: Final = 200
_DOUBLE = struct.Struct("<Bd").pack
_INT64: Final = range(-(1 << 63), 1 << 63)


def any_value(value: object) -> bytes:
    """The body of an AnyValue.

    Raises:
        TypeError: OTLP has no such type.
        ValueError: an int of more than 64 bits.
    """
    if value is None:
        return b""
    if isinstance(value, str):
        return message(1, utf8(value))
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        if value not in _INT64:
            raise ValueError("an int of more than 64 bits")
        return b"\x18" + varint(value)
    if isinstance(value, float):
        return _DOUBLE(0x21, value)
    if isinstance(value, bytes):
        return message(7, value)
    if isinstance(value, list | tuple):
        return message(5, b"".join([message(1, any_value(item)) for item in value]))
    if isinstance(value, Mapping):
        return message(6, b"".join([message(1, _key_value(str(k), v)) for k, v in value.items()]))
    raise TypeError(f"no attribute can be a {type(value).__name__}")


def _key_value(key: str, value: object) -> bytes:
    return text(1, key) + message(2, any_value(value))


class KeyValues:
    """Encodes attributes into the repeated field `field` of a message.

    An attribute that can't be encoded is left out and said once, as the SDK's encoder leaves it out.
    """

    def __init__(self, field: int, redaction: Redaction) -> None:
        self._said = False
        self._field = field
        self._redaction = redaction
        self._hash = redaction.hash
        self.clean = redaction.redactor.text
        """A text beside the attributes as it may leave."""
        self._clean_value = redaction.redactor.value
        self._heads: dict[str, bytes] = {}
        self._known: dict[str, dict[str | int, bytes]] = {}
        self._before_hash: dict[str, bytes] = {}
        """What stands before the hash in an attribute that is an id; nothing where ids are exposed."""
        if not redaction.exposes:
            empty = "-" * DIGITS
            self._before_hash = {key: self._string(key, empty)[:-DIGITS] for key in HASHED_ATTRIBUTES}
        self._once = {key: before for key, before in self._before_hash.items() if key in _NEVER_REPEATED}

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """The attributes, in their order."""
        parts = []
        known, once, hash_ = self._known, self._once, self._hash
        for key, value in attributes.items():
            # by exact class: True, 1 and 1.0 are one dict key
            kind = value.__class__
            if (
                (kind is int or kind is str)
                and (of_key := known.get(key)) is not None
                and (encoded := of_key.get(value)) is not None
            ):
                parts.append(encoded)
            elif kind is int and (before := once.get(key)) is not None:
                parts.append(before + hash_(b"%d" % value))
            else:
                parts.append(self._encode_one(key, value, attributes))
        return b"".join(parts)

    def _encode_one(self, key: str, value: Any, attributes: Mapping[str, Any]) -> bytes:
        kind: type = value.__class__
        system = system_of(attributes) if key in STATEMENTS else ""
        if kind is int and (before := self._before_hash.get(key)) is not None:
            encoded = before + self._hash(b"%d" % value)
        elif key in HASHED_ATTRIBUTES and value is not None:
            encoded = self._string(key, self._redaction(value))
        elif (cleaned := self._clean_value(key, value, system)).__class__ is str:
            encoded = self._string(key, cleaned)
        else:
            try:
                encoded = message(self._field, self._head(key) + message(2, any_value(cleaned)))
            except (TypeError, ValueError) as error:
                self._say(key, error)
                return b""
        if kind in _REPEATING and len(encoded) < _LONGEST_KEPT and key not in _NEVER_REPEATED:
            self._keep(key, value, encoded)
        return encoded

    def _head(self, key: str) -> bytes:
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= _KEYS_KEPT:
                self._heads.clear()
            head = self._heads[key] = text(1, self.clean(key))
        return head

    def _string(self, key: str, value: str) -> bytes:
        head = self._head(key)
        raw = utf8(value)
        size = len(raw)
        whole = len(head) + size + 4
        if whole < 128 and self._field < 16:  # every length is one byte
            return b"%c%c%b\x12%c\x0a%c%b" % (self._field << 3 | 2, whole, head, size + 2, size, raw)
        return message(self._field, head + message(2, message(1, raw)))

    def _keep(self, key: str, value: str | int, encoded: bytes) -> None:
        of_key = self._known.get(key)
        if of_key is None:
            if len(self._known) >= _KEYS_KEPT:
                self._known.clear()
            of_key = self._known[key] = {}
        if len(of_key) >= _VALUES_KEPT:
            of_key.clear()
        of_key[value] = encoded

    def _say(self, key: str, error: Exception) -> None:
        if not self._said:
            self._said = True
            _logger.warning("the attribute %s can't be exported, and so others may be: %s", key, error)
