"""Names that the bot's code gives to things: checked once, and wrong ones said."""

from __future__ import annotations

_known: set[str] = set()
_MOST = 10_000
_LONGEST = 100


def checked(what: str, name: object) -> str:
    """The name, if it can be an attribute's value.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, or longer than 100 characters: an id or a text, not a name.
    """
    if name in _known:
        return name
    if not isinstance(name, str):
        raise TypeError(f"the name of {what} is text, not {type(name).__name__}")
    if not name.strip() or len(name) > _LONGEST:
        raise ValueError(f"the name of {what} has 1 to {_LONGEST} characters, not {len(name)}: {name[:20]!r}")
    if len(_known) < _MOST:
        _known.add(name)
    return name
