"""Attributes within the SDK's limits: cleaned as the SDK cleans them, the oldest cut off first."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import _clean_attribute_value

logger = logging.getLogger(__name__)

PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of values that need no cleaning."""
_KEYS = frozenset({str})
FULL = (
    "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new "
    "key-value pair."
)


def bounded(
    attributes: Mapping[str, Any] | None, most: int | None, length: int | None
) -> tuple[dict[str, Any] | None, int]:
    """Cleaned attributes within a limit, and how many were cut off; the oldest go first, as in the SDK."""
    if not attributes:
        return None, 0
    kept, cut = cleaned(attributes, most, length)
    if most is not None and len(kept) > most:
        excess = len(kept) - most
        for _ in range(excess):
            logger.warning(FULL)
        return dict(list(kept.items())[excess:]), cut + excess
    return kept or None, cut


def cleaned(
    attributes: Mapping[str, Any], most: int | None, length: int | None
) -> tuple[dict[str, Any], int]:
    """Attributes with valid keys and values, and how many had none; with a limit of 0 none is looked at."""
    if most == 0:
        return {}, len(attributes)
    kept = dict(attributes)
    if (
        length is not None
        or not _KEYS.issuperset(map(type, kept))
        or not PLAIN.issuperset(map(type, kept.values()))
        or "" in kept
    ):
        kept = dict(_clean_attribute_value(attributes, length))
    return kept, len(attributes) - len(kept)
