"""Attributes within the SDK's limits: cleaned as the SDK cleans them, the oldest cut off first."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import _clean_attribute_value
from opentelemetry.sdk.trace import SpanLimits

from whisperwatch.bot.saying import say_once

logger = logging.getLogger(__name__)

PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of values that need no cleaning."""
_KEYS = frozenset({str})
_LIMITS = {
    "OTEL_ATTRIBUTE_COUNT_LIMIT": ("max_attributes", SpanLimits.UNSET),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("max_attribute_length", SpanLimits.UNSET),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("max_span_attributes", 128),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("max_span_attribute_length", SpanLimits.UNSET),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("max_events", 128),
    "OTEL_SPAN_LINK_COUNT_LIMIT": ("max_links", 128),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": ("max_event_attributes", 128),
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": ("max_link_attributes", 128),
}
"""By variable: the SDK's argument, and its default."""
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


def span_limits() -> SpanLimits:
    """The environment's. A variable that can't be read is said once, and its default taken."""
    defaults: dict[str, int] = {}
    for name, (argument, default) in _LIMITS.items():
        value = os.environ.get(name, "").strip()
        if value and not value.isdecimal():
            say_once(
                f"{name}={value} is no whole number from 0, nor empty for no limit: its default is taken"
            )
            defaults[argument] = default
    return SpanLimits(**defaults)
