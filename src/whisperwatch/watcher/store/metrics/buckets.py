"""A histogram's bucket counts as a blob, and as a number: such numbers are added, instead of their counts."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

_LANE: Final = 5
"""Bytes of one bucket's count in a blob: sums of them can't overflow below 10^12."""
_MOST_EMPTY: Final = 255
"""What the first byte can say."""


def pack(counts: Sequence[int]) -> bytes:
    """Bucket counts as a blob: how many empty ones come first, then a number with a lane for each of the others."""
    try:
        lanes = struct.pack(f"<{'Ix' * len(counts)}", *counts)
    except struct.error:  # one is above 2^32
        lanes = b"".join(count.to_bytes(_LANE, "little") for count in counts)
    first = min((len(lanes) - len(lanes.lstrip(b"\0"))) // _LANE, _MOST_EMPTY)
    return bytes((first,)) + lanes[first * _LANE :].rstrip(b"\0")


def number(blob: bytes) -> int:
    """A blob as a number with a lane for each bucket."""
    return int.from_bytes(blob[1:], "little") << (8 * _LANE * blob[0])


def unpack(total: int, buckets: int) -> list[int]:
    """The counts in a number (or a sum of such)."""
    lanes = struct.unpack(f"<{'IB' * buckets}", total.to_bytes(_LANE * buckets, "little"))
    low, high = lanes[::2], lanes[1::2]
    return [one + (more << 32) for one, more in zip(low, high, strict=True)] if any(high) else list(low)


def repack(total: int) -> bytes:
    """A number as a blob again."""
    if not total:
        return b"\0"
    first = min(((total & -total).bit_length() - 1) // (8 * _LANE), _MOST_EMPTY)
    shifted = total >> (8 * _LANE * first)
    return bytes((first,)) + shifted.to_bytes((shifted.bit_length() + 7) // 8, "little")


def counts_of(blob: bytes) -> tuple[int, ...]:
    """The counts of a blob, without the empty ones at its end."""
    return tuple(unpack(number(blob), blob[0] + -(-(len(blob) - 1) // _LANE)))
