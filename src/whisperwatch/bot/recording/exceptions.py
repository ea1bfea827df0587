"""What is said of an exception: its type and its frames; on spans never its text, which may quote a user.

Log records have the text too, without the user's own words. What is kept are tuples: no frame or exception object
waits for another thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_MOST_FRAMES: Final = 50
_LONGEST_CHAIN: Final = 5
_MOST_MEMBERS: Final = 10
_LONGEST_TEXT: Final = 4_096

Reduced = tuple[Any, ...]
"""The exception of a LOG of the tape."""


def type_name(exception: BaseException) -> str:
    """As `exception.type` has it: qualified, `builtins` left out."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def frames(exception: BaseException) -> str:
    lines = []
    tb = exception.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {tb.tb_lineno}, in {code.co_qualname}')
        tb = tb.tb_next
    return "\n".join(["Traceback (most recent call last):", *lines, type_name(exception)])


def reduced(exception: BaseException, mask: Callable[[str], str], depth: int = _LONGEST_CHAIN) -> Reduced:
    """An exception as (type, message, frames, cause): `mask` takes the user's own words out of each message."""
    cause = exception.__cause__
    if cause is None and not exception.__suppress_context__:
        cause = exception.__context__
    return (
        type_name(exception),
        mask(text_of(exception, _LONGEST_TEXT)) + _members(exception),
        _frames(exception),
        reduced(cause, mask, depth - 1) if cause is not None and depth > 1 else None,
    )


def _members(exception: BaseException) -> str:
    """The types of a group's exceptions, behind its text."""
    if not isinstance(exception, BaseExceptionGroup):
        return ""
    return f": {', '.join(map(type_name, exception.exceptions[:_MOST_MEMBERS]))}"


def text_of(given: object, longest: int) -> str:
    """`str(given)`, cut where it is too long; what can't say its own text is named by its type."""
    try:
        text = str(given)
    except Exception:
        return f"<{type(given).__qualname__}>"
    return text if len(text) <= longest else f"{text[:longest]}…"


def _frames(exception: BaseException) -> tuple[tuple[str, int, str], ...]:
    """The innermost frames, innermost last."""
    found: list[tuple[str, int, str]] = []
    tb = exception.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        found.append((code.co_filename, tb.tb_lineno, code.co_qualname))
        tb = tb.tb_next
    return tuple(found[-_MOST_FRAMES:])
