"""What people wrote and are called, in what an event is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_WRITTEN: Final = frozenset({"value", "values", "content"})
"""Keys of an interaction's data under which users' words are: options, fields of modals, choices, resolved messages."""
_NAMES: Final = ("name", "global_name", "nick")
_DEEPEST: Final = 8


def words_of(subject: Any) -> list[str]:
    """What was written: a message, the message it answers, what an interaction was given."""
    reference = getattr(subject, "reference", None)
    messages = (
        subject,
        getattr(reference, "resolved", None),
        getattr(subject, "message", None),  # of an edit
        getattr(subject, "cached_message", None),
    )
    found = [getattr(message, "content", None) for message in messages]
    data = getattr(subject, "data", None)
    if isinstance(data, dict):
        found += _written(data, 0)
    return [text for text in found if isinstance(text, str) and text]


def names_of(subject: Any) -> list[str]:
    """What author, guild and channel are called. A member that an event is about is its own author."""
    found = []
    for owner in ("author", "user", "member", "guild", "channel"):
        found += _names(getattr(subject, owner, None))
    if hasattr(subject, "global_name"):
        found += _names(subject)
    return found


def _names(named: Any) -> list[str]:
    if named is None:
        return []
    found = [getattr(named, attribute, None) for attribute in _NAMES]
    return [name for name in found if isinstance(name, str) and name]


def _written(data: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(data, dict):
        for key, value in data.items():
            if key in _WRITTEN and isinstance(value, str):
                yield value
            elif key in _WRITTEN and isinstance(value, list):
                yield from (item for item in value if isinstance(item, str))
            if isinstance(value, dict | list):
                yield from _written(value, depth + 1)
    elif isinstance(data, list):
        for item in data:
            yield from _written(item, depth + 1)
