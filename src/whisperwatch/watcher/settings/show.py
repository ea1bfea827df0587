"""A setting's value as people read it; a secret is never shown."""

from __future__ import annotations

import re
from typing import Any

from .reading import About, Value, masked

HIDDEN = "(set, not shown)"


def shown(value: Value) -> str:
    """The value in force, secrets hidden."""
    if value.origin.layer == "default":
        return default(value.about, in_seconds=value.in_seconds)
    return HIDDEN if value.about.secret else masked(text(value.value, in_seconds=value.in_seconds))


def default(about: About, *, in_seconds: bool) -> str:
    """What is in force where nothing is set."""
    return about.unset.replace("`", "") if about.unset else text(about.default, in_seconds=in_seconds)


def text(value: Any, *, in_seconds: bool = False) -> str:
    """A value, with its unit."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(_one, value))
    if isinstance(value, frozenset):
        return ",".join(sorted(map(str, value))) or "none"
    if in_seconds and isinstance(value, int | float):
        return _duration(value)
    if isinstance(value, int) and 2**20 <= value < 2**45 and value % 2**20 == 0:
        return f"{value // 2**20}MB"
    return f"{value:g}" if isinstance(value, float) else str(value)


def plain(value: Value) -> Any:
    """The value as JSON has it, secrets hidden."""
    found = value.value
    if found is None or isinstance(found, bool | int | float):
        return None if value.about.secret and found is not None else found
    if isinstance(found, tuple | frozenset) and not value.about.secret:
        return shown(value) if found else ""
    return shown(value)


def _one(item: Any) -> str:
    if isinstance(item, re.Pattern):
        return str(item.pattern)
    return "=".join(map(str, item)) if isinstance(item, tuple) else str(item)


def _duration(seconds: float) -> str:
    """As short as it is exact: `30d`, `12h`, `90s`, `250ms`."""
    if seconds < 1:
        return f"{seconds * 1000:.12g}ms"
    for unit, size in (("d", 86400), ("h", 3600)):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:.12g}{unit}"
    return f"{seconds:.12g}s"
