"""How a chart goes to the worker and a picture comes back: frames with a kind and a length."""

from __future__ import annotations

import struct
from typing import Final

HEAD: Final = struct.Struct(">cI")
"""A kind, and how many bytes follow."""
CHART: Final = b"C"
PICTURE: Final = b"P"
REFUSAL: Final = b"R"
"""Instead of a picture: why there is none, in UTF-8."""
LARGEST: Final = 8 * 2**20
"""Bytes of a frame: more is rubbish. Discord takes 10 MiB."""
PNG: Final = b"\x89PNG\r\n\x1a\n"
"""What a picture begins with."""


def frame(kind: bytes, content: bytes) -> bytes:
    """One frame."""
    return HEAD.pack(kind, len(content)) + content
