"""What people wrote and are called, in what an event is about."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

_WRITTEN: Final = frozenset({"value", "values", "content"})
"""Keys of an interaction's data under which users' words are: options, fields of modals, choices, resolved messages."""
_OTHERS: Final = ("reference", "message", "cached_message", "data")
"""Attributes of a subject that may have words too: the message it answers, that of an edit, an interaction's data."""
_OWNERS: Final = ("author", "user", "member", "guild", "channel")
_NAMES: Final = ("name", "global_name", "nick")
_CALLED: Final = frozenset({"username", "global_name", "nick"})
"""Keys under which Discord's data has what people are called."""
_DEEPEST: Final = 8


def words_of(subject: Any) -> list[str]:
    """What was written: a message, the message it answers, what an interaction was given."""
    found = _content(subject)
    if _is_message(subject.__class__) and subject.reference is None:  # as most are: there is no more in it
        return found
    for name in _there(subject.__class__, _OTHERS):
        other = getattr(subject, name, None)
        if name == "reference":
            other = getattr(other, "resolved", None)
        if other is not None:
            found += filter(None, _written(other)) if name == "data" else _content(other)
    return found


def _content(message: Any) -> list[str]:
    content = getattr(message, "content", None)
    return [content] if content and isinstance(content, str) else []


def names_of(subject: Any) -> list[str]:
    """What author, guild and channel are called, who is mentioned, and who wrote what is answered or reacted to.

    What an event is about has a name itself, where it is Discord's: a member, a guild, a channel.
    """
    if _is_message(subject.__class__):
        return _names_of_message(subject)
    found: list[str] = []
    for owner in _there(subject.__class__, _OWNERS):
        named = getattr(subject, owner, None)
        if named is not None:
            _add_names(found, named)
    if _is_discords(subject.__class__) or hasattr(subject, "global_name"):
        _add_names(found, subject)
    _add_others(found, getattr(subject, "mentions", ()), getattr(subject, "reference", None))
    for name in _there(subject.__class__, _OTHERS):
        other = getattr(subject, name, None)
        if name == "data":
            found += _called(other)
        elif other is not None and _is_message(other.__class__):
            found += _names_of_message(other)
    return found


@cache
def _is_discords(kind: Any) -> bool:
    return str(kind.__module__).startswith("discord.")


@cache
def _is_message(kind: Any) -> bool:
    """Known by its name: to import it would fail where `discord` is another library, whose bots are left alone."""
    return (kind.__module__, kind.__qualname__) == ("discord.message", "Message")


def _names_of_message(message: Any) -> list[str]:
    """The same without looking for what a message may have: it is what there is most of, and this takes half."""
    author = message.author
    names = (
        getattr(author, "name", None), getattr(author, "global_name", None), getattr(author, "nick", None),
        getattr(message.guild, "name", None), getattr(message.channel, "name", None),
    )  # fmt: skip
    found = [name for name in names if name and isinstance(name, str)]
    if message.mentions or message.reference is not None:
        _add_others(found, message.mentions, message.reference)
    return found


def _add_others(found: list[str], mentions: Any, reference: Any) -> None:
    answered = getattr(getattr(reference, "resolved", None), "author", None)
    for person in (*mentions, answered) if isinstance(mentions, list | tuple) else (answered,):
        if person is not None:
            _add_names(found, person)


def _add_names(found: list[str], named: Any) -> None:
    for attribute in _there(named.__class__, _NAMES):
        name = getattr(named, attribute, None)
        if name and isinstance(name, str):
            found.append(name)


@cache
def _there(kind: Any, attributes: tuple[str, ...]) -> tuple[str, ...]:
    """Which of them objects of this kind may have: discord.py's have slots, and not most of these."""
    any_ = kind.__dictoffset__ or hasattr(kind, "__getattr__")
    return tuple([name for name in attributes if any_ or hasattr(kind, name)])


def _called(data: Any) -> Iterator[str]:
    for key, value in _pairs(data, 0):
        if key in _CALLED and isinstance(value, str):
            yield value


def _written(data: Any) -> Iterator[str]:
    for key, value in _pairs(data, 0):
        if key in _WRITTEN and isinstance(value, str):
            yield value
        elif key in _WRITTEN and isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


def _pairs(data: Any, depth: int) -> Iterator[tuple[Any, Any]]:
    """Every key with its value, of all that is in Discord's data."""
    if depth > _DEEPEST:
        return
    if isinstance(data, dict):
        for key, value in data.items():
            yield key, value
            if isinstance(value, dict | list):
                yield from _pairs(value, depth + 1)
    elif isinstance(data, list):
        for item in data:
            yield from _pairs(item, depth + 1)
