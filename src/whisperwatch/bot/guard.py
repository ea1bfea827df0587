"""Failing open: a hook of ours that fails is counted and said once, and the bot goes on; so is a call of the small API
with what it can't take.

Hooks call `failed("where")` from their `except Exception` block. Under test (`strict = True`) it raises instead.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

logger = logging.getLogger("whisperwatch")

_SAID = "the hook %r failed; the bot goes on, and this is counted as whisperwatch.internal.errors:\n%s"
_MISTAKEN = (
    "whisperwatch.%s was called with what it can't take: %s; the bot goes on, and this is counted as "
    "whisperwatch.internal.errors"
)

strict = False
"""Raise what a hook raised, instead of counting it: for tests."""

counts: dict[str, int] = {}
"""Failures by hook, and mistakes by call."""

_MOST_MISTAKES = 200
mistakes: set[tuple[str, str]] = set()
"""Those that were said."""

on_failure: list[Callable[[str], None]] = []
"""Called with the hook's name at each failure; the recorder counts `whisperwatch.internal.errors` here."""


def failed(where: str) -> None:
    """Count the exception that is being handled, and log it the first time that `where` fails.

    Raises:
        Exception: the one that is being handled, where `strict` is set.
    """
    if strict:
        raise
    first = where not in counts
    _count(where)
    if first:
        with suppress(Exception):  # the bot's log handlers may fail too
            logger.warning(_SAID, where, _frames(sys.exception()))


def mistaken(call: str, right: str) -> None:
    """Count a call of ours that the bot's code made with what can't be taken, and log, once for each such mistake, what
    would be right. Not what was given: it may be a user's."""
    _count(call)
    if (call, right) not in mistakes and len(mistakes) < _MOST_MISTAKES:
        mistakes.add((call, right))
        with suppress(Exception):
            logger.warning(_MISTAKEN, call, right)


def is_a(value: object, *kinds: type) -> bool:
    """Whether the bot's code has given what the signature says, which types alone don't make sure of."""
    return isinstance(value, kinds)


def _count(where: str) -> None:
    counts[where] = counts.get(where, 0) + 1
    for listener in on_failure:
        with suppress(Exception):
            listener(where)


def _frames(error: BaseException | None) -> str:
    """Where it failed, and of what type it is; not its text, which may quote a user."""
    if error is None:
        return ""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__qualname__])
