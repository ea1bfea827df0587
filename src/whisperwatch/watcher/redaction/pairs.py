"""Secrets that are told by what stands before them: `password=…`, `"api_key": "…"`, `--token …`, `Cookie: …`,
`?sig=…`."""

from __future__ import annotations

import re
from functools import lru_cache
from re import Match
from typing import Final

from .kind import Kind, kind, mark

_NAME: Final = r"""
    passw(?:or)?d | passwort | passphrase | pwd | secret | credential | authori[sz]ation | signature
    | token (?! s | i[sz] | [-_.\ ]?(?:count|type|limit|usage|budget|rate) )
    | (?:api|access|auth|private|signing|encryption|client|bot|session|license|account|webhook|service|master)
      [-_.\ ]?key (?!s)
"""
_SHORT: Final = r"""(?<=[?&;])(?:sig|key|auth|code|pass|pw)"""
_QUOTED: Final = r"""
    "(?:[^"\\]|\\(?s:.))*+" | '(?:[^'\\]|\\(?s:.))*+'
    | "(?:[^"\\\n]|\\(?:[^\n]|(?=\n|\Z)))*+(?=\n|\Z) | '(?:[^'\\\n]|\\(?:[^\n]|(?=\n|\Z)))*+(?=\n|\Z)
"""
"""Up to the end of a line that was cut, too."""
_WORD: Final = r"""[^\s,;&"'<>\])}]{1,2048}"""
_MIXED: Final = r"(?=\S{6})(?=\S{0,64}\d)(?=\S{0,64}[a-z])"
"""What follows is no word of a sentence."""
_PAIR: Final = rf"""
    ( (?: (?:{_NAME}) [\w-]{{0,24}} | {_SHORT} ) (?:["']\]?)?
      (?: \s{{0,3}} (?: =>? | :=? | %3D ) \s{{0,3}} | \s(?:is|was)\s?:?\s{_MIXED} ) )
    ( {_QUOTED}
      | (?:bearer|basic|bot|token|digest|negotiate|apikey)\s{{1,3}}[^\s,;"'<>]{{1,2048}}
      | {_WORD} )
"""
_OPTION: Final = rf"""
    ( (?<![\w-]) --[\w-]{{0,40}}? (?:{_NAME}) [\w-]{{0,24}} \s{{1,3}} ) (?!-) ( {_QUOTED} | {_WORD} )
"""
_PASSWORD: Final = re.compile(r"pass|pwd|(?<![a-z])pw(?![a-z])", re.IGNORECASE)
_SHORTEST: Final = 6
"""A shorter value is one only of a password."""
_HARMLESS: Final = re.compile(
    r"""[$:%]?\d{1,6} | [?*.x•-]+ | %s | %\(\w+\)s | :\w+ | \$\{?\w*\}? | \{\w*\} | \[redacted.*
    | none | null | true | false | str | string | int | bytes | missing | required | invalid | expired | undefined""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Values that are none: numbers, placeholders, and what speaks of a secret."""
_SECRET_KEY: Final = re.compile(rf"(?:{_NAME}|cookie) s? \Z", re.IGNORECASE | re.VERBOSE)


def _pair(found: Match[str]) -> str:
    name, value = found[1], found[2]
    opening = value[0] if value[0] in "\"'" else ""
    closing = opening if value[1:].endswith(opening) else ""
    inner = value[len(opening) : len(value) - len(closing)]
    is_password = _PASSWORD.search(name) is not None
    if _HARMLESS.fullmatch(inner) or not inner or (not is_password and len(inner) < _SHORTEST):
        return found[0]
    return f"{name}{opening}{mark('secret')}{closing}"


PAIRS: Final[tuple[Kind, ...]] = (
    kind(
        "cookie", "cookie",
        r"""((?:set-)?cookie2?["']?\]?\s{0,3}[:=]\s{0,3}["']?)([^\r\n"']{3,4096})""",
        lambda found: f"{found[1]}{mark('cookie')}", fold=True,
    ),
    kind(
        "secret", "pass pwd secret credential authori signature token key sig auth code pw", _PAIR, _pair, fold=True,
        behind=r"""[\w-]{0,40}(?:["']\]?)?\s{0,3}(?:[=:]|%3d|is[\s:]|was[\s:])""",
    ),
    kind("secret", "--", _OPTION, _pair, fold=True),
)  # fmt: skip


@lru_cache(maxsize=1024)
def is_secret_key(key: str) -> bool:
    """Whether what an attribute with this key holds is a secret, whatever it looks like."""
    return _SECRET_KEY.search(key) is not None
