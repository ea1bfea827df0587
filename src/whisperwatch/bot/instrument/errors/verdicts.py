"""The verdict on one exception: of the table, of what it wraps, and of what only its instance tells."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from typing import Final

from discord import app_commands
from discord.ext import commands

from whisperwatch.bot.instrument.errors.rules import NO_ERROR, RULES, Verdict

_CATEGORY_OF: Final = {
    "llm": "ai", "database": "system", "memory": "system", "cache": "system", "network": "network",
}  # fmt: skip
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EROFS})
_BUGS: Final = (LookupError, TypeError, AttributeError, NameError, ArithmeticError, AssertionError)
_LONGEST_CHAIN: Final = 50
_of_type: dict[type, Verdict | None] = {}


def chain(error: BaseException, *, into_groups: bool = True) -> Iterator[BaseException]:
    """An exception and what it was made of: discord.py's and SQLAlchemy's originals, causes, and those of a group.

    Of what it was raised in the handling of, a dependency's failure alone, and not of an exception that tells of a bug:
    what else fails while a failure is handled is a failure of its own.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting and len(seen) < _LONGEST_CHAIN:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [getattr(current, "original", None), getattr(current, "orig", None), current.__cause__]
        if not (current.__suppress_context__ or isinstance(current, _BUGS)) and _is_dependencys(
            current.__context__
        ):
            waiting.append(current.__context__)
        if into_groups:
            waiting += members_of(current)[:_LONGEST_CHAIN]


def members_of(error: BaseException) -> Sequence[BaseException]:
    """What is in a group, or what each of several converters or checks of which one had to do said."""
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions
    return error.errors if isinstance(error, _OF_SEVERAL) else ()


def verdict_of(error: BaseException, component: str | None = None, *, swallowed: bool = False) -> Verdict:
    """What kind of error this is. `component`, where the caller knows it, wins over the table's.

    An exception that no rule knows is the bot's own code at fault: `high` where it went through, `medium` where the bot
    caught it.
    """
    found = _of_chain(error) or Verdict("system", "medium" if swallowed else "high", "bot")
    if component is None or component == found.component or found is NO_ERROR:
        return found
    category = _CATEGORY_OF.get(component, found.category)
    return Verdict(category, found.severity, component, found.expected)


def category_of(component: str) -> str:
    """The category of an error of which only the component is known."""
    return _CATEGORY_OF.get(component, "system")


def _of_chain(error: BaseException) -> Verdict | None:
    if isinstance(error, commands.CommandNotFound):
        return NO_ERROR
    user = wire = None
    theirs = False
    for current in chain(error):
        found = _of(current)
        if found is None:
            continue
        if found.category == "user":  # a dependency may have failed while their input was read
            user = user or found
            theirs = theirs or not _wraps_another(current)
        elif user is not None and found.severity == "low":  # it said no to what they gave
            theirs = True
        elif found.category == "network":  # the wire may have broken on the way to a dependency
            wire = wire or found
        else:
            return found
    return wire or (user if theirs else None)  # None: the bot's own code broke while it read their input


def _wraps_another(error: BaseException) -> bool:
    """Whether it says that input could not be read, and what else was raised says whose fault that is.

    A `ValueError` is Python's own word for bad input.
    """
    if isinstance(error, _OF_SEVERAL):
        return bool(error.errors)
    if not isinstance(error, _READING):
        return False
    inner = getattr(error, "original", None) or error.__cause__
    return inner is not None and not isinstance(inner, ValueError)


def _is_dependencys(error: BaseException | None) -> bool:
    found = None if error is None else _of(error)
    return found is not None and found.category != "user" and found.component != "bot"


def _of(error: BaseException) -> Verdict | None:
    kind = type(error)
    if kind not in _of_type:
        if len(_of_type) >= 10_000:  # a bot that makes its exception types as it goes
            _of_type.clear()
        _of_type[kind] = _look_up(kind)
    found = _of_type[kind]
    if isinstance(error, OSError) and error.errno in _FULL:
        return Verdict("system", "critical", "system")
    if found is not None and found.component == "discord" and getattr(error, "status", None) == 429:
        return Verdict("system", "medium", "discord")
    return found


_OF_SEVERAL: Final = (commands.BadUnionArgument, commands.BadLiteralArgument, commands.CheckAnyFailure)
_READING: Final = (commands.ConversionError, commands.BadFlagArgument, app_commands.TransformerError)
_WRAPPERS = (commands.CommandInvokeError, app_commands.CommandInvokeError, commands.HybridCommandError)


def _look_up(kind: type) -> Verdict | None:
    if issubclass(kind, _WRAPPERS):
        return None
    for parent in kind.__mro__:
        found = RULES.get(f"{parent.__module__.partition('.')[0]}.{parent.__name__}")
        if found is not None:
            return found
    return None
