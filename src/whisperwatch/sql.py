"""Where SQL holds what somebody wrote: its strings and comments, as each dialect has them.

What ends a string in one dialect doesn't in another. Where the dialect isn't known, or a comment stands too deep in
others, all that follows counts as written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """Regular expressions, in the verbose form, in which a dot is any character.

    Attributes:
        names: what stands in quotes and is a name.
        strings: what somebody wrote as a value.
        comments: what somebody wrote beside it.
    """

    names: str
    strings: str
    comments: str


def _quoted(quote: str, *, escapes: bool = False) -> str:
    r"""From one quote to the next, or to the end of a text that was cut. Doubled, and behind a `\` where that
    `escapes`, a quote is a part of it."""
    within = rf"[^{quote}\\] | \\(?:.|\Z)" if escapes else f"[^{quote}]"
    return rf"{quote}(?:{within} | {quote}{quote})*+(?:{quote}|\Z)"


def _doubtful(quote: str) -> str:
    r"""Where nobody knows whether `\` escapes a quote: then it goes to the end of the text."""
    return rf"{quote}(?:[^{quote}\\]|\\(?!{quote})|{quote}{quote})*+(?:{quote}|\Z|\\.*)"


_LINE: Final = r"--[^\n]*"
_FLAT: Final = r"/\*.*?(?:\*/|\Z)"
_IN_COMMENT: Final = r"[^*/]++|\*(?!/)|/(?!\*)"
_PREFIX: Final = r"(?:\b(?:[bBxXnN]|[uU]&))?"
_PLAIN: Final = _PREFIX + _quoted("'")
_ESCAPED: Final = _quoted("'", escapes=True)
_ESCAPING: Final = rf"\b[eE]{_ESCAPED}(?:[^\S\n]*+\n\s*+{_ESCAPED})*+"
"""A string goes on in the next one, where a line break is between."""
_DOLLARS: Final = r"\$(?P<tag>(?:[^\W\d]\w{0,62})?)\$.*?(?:\$(?P=tag)\$|\Z)"

_MYSQL: Final = Dialect(
    names=_quoted("`"),
    strings=_PREFIX + _quoted("'", escapes=True) + "|" + _quoted('"', escapes=True),
    comments=rf"--(?!\S)[^\n]* | \#[^\n]* | {_FLAT}",
)
_DIALECTS: Final = {
    "postgresql": Dialect(
        names=_quoted('"'),
        strings=f"{_ESCAPING} | {_PLAIN} | {_DOLLARS}",
        comments=rf"{_LINE} | /\*(?:{_IN_COMMENT}|/\*(?:{_IN_COMMENT})*+\*/)*+(?:\*/|.*)",
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    # takes what stands in double quotes for a string where there is no such column
    "sqlite": Dialect(_quoted("`") + r"|\[[^\]]*+\]", _PLAIN + "|" + _quoted('"'), f"{_LINE} | {_FLAT}"),
}
_ORACLES: Final = r"\b[nN]?[qQ]'.*"
_IN_BRACKETS: Final = r"""\[[^\]'"\[]++['"].*"""
"""A name in brackets that has a quote in it."""
_UNKNOWN: Final = Dialect(
    names=_quoted("`"),
    strings="|".join([_ESCAPING, _ORACLES, _IN_BRACKETS, _PREFIX + _doubtful("'"), _doubtful('"'), _DOLLARS]),
    comments=rf"{_LINE} | \#.* | /\*(?:{_IN_COMMENT})*+(?:\*/|.*)",
)


def dialect_of(system: str) -> Dialect:
    """That of a `db.system.name`."""
    return _DIALECTS.get(system, _UNKNOWN)
