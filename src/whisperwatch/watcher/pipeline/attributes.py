"""Attributes as OTLP KeyValues.

What a bot says is mostly what it said before, so the bytes of string and int attributes are kept by key and value,
in bounded caches. Ids are redacted here and nowhere else.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from whisperwatch.semconv import HASHED_ATTRIBUTES
from whisperwatch.watcher.pipeline.protobuf import message, text, utf8, varint
from whisperwatch.watcher.pipeline.redaction import Redaction

_KEPT: Final = 8192
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

    An attribute that can't be encoded is left out and counted in `dropped`, as the SDK's encoder leaves it out.
    """

    def __init__(self, field: int, redaction: Redaction) -> None:
        self.dropped = 0
        self._field = field
        self._redaction = redaction
        self._strings: dict[tuple[str, str], bytes] = {}
        self._ints: dict[tuple[str, int], bytes] = {}

    def encode(self, attributes: Mapping[str, Any]) -> bytes:
        """The attributes, in their order."""
        parts = []
        strings, ints = self._strings, self._ints
        for key, value in attributes.items():
            # by exact class: True, 1 and 1.0 are one dict key
            kind = value.__class__
            if kind is str:
                known = strings.get((key, value))
            elif kind is int:
                known = ints.get((key, value))
            else:
                known = None
            parts.append(self._encode_one(key, value) if known is None else known)
        return b"".join(parts)

    def _encode_one(self, key: str, value: Any) -> bytes:
        hashed = key in HASHED_ATTRIBUTES
        leaving = self._redaction(value) if hashed and value is not None else value
        try:
            encoded = message(self._field, _key_value(key, leaving))
        except (TypeError, ValueError):
            self.dropped += 1
            return b""
        if len(encoded) < _LONGEST_KEPT:
            if value.__class__ is str:
                self._keep(self._strings, (key, value), encoded)
            elif value.__class__ is int:
                self._keep(self._ints, (key, value), encoded)
        return encoded

    def _keep(self, cache: dict[Any, bytes], key: tuple[str, Any], encoded: bytes) -> None:
        if len(cache) >= _KEPT:
            cache.clear()
        cache[key] = encoded
