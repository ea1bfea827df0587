"""Names that the bot's code gives to things: checked once, and wrong ones said."""

from __future__ import annotations

from whisperwatch.bot import guard

_known: set[str] = set()
_MOST = 10_000
_LONGEST = 100


def checked(call: str, name: object, what: str = "name") -> str | None:
    """The name, if it can be an attribute's value; else None: a mistake of who made the `call`."""
    try:
        if name in _known:
            return name
    except Exception:  # it can't be hashed
        name = None
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST:
        guard.mistaken(call, f"the {what} is a text of 1 to {_LONGEST} characters")
        return None
    if len(_known) < _MOST:
        _known.add(name)
    return name
