"""Numbers as the tape carries them."""

from __future__ import annotations

from math import isfinite
from operator import index
from typing import Any, Final

_LARGEST: Final = 2**63 - 1
"""OTLP's integers have 64 bits."""


def number(value: Any) -> int | float | None:
    """What was measured as an int or a float, whichever it is of (numpy's, Decimal, bool); None where it is no finite
    number."""
    try:
        if value.__class__ is not int and value.__class__ is not float:
            value = _plain(value)
        if not isfinite(value):
            return None
        return value if value.__class__ is float or -_LARGEST <= value <= _LARGEST else float(value)
    except Exception:  # whatever its own `__index__` or `__float__` raises
        return None


def _plain(value: Any) -> int | float:
    try:
        return index(value)
    except TypeError:
        return value.__float__()  # type: ignore[no-any-return]  # not `float(value)`, which reads text, too
