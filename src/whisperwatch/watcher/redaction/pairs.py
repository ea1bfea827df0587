"""Secrets that are told by what stands before them: `password=…`, `"api_key": "…"`, `Cookie: …`, `?sig=…`."""

from __future__ import annotations

import re
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
_PAIR: Final = rf"""
    ( (?: (?:{_NAME}) [\w-]{{0,24}} | {_SHORT} ) (?:["']\]?)? \s{{0,3}} (?: =>? | :=? | %3D ) \s{{0,3}} )
    ( "(?:[^"\\]|\\.){{0,1024}}+" | '(?:[^'\\]|\\.){{0,1024}}+'
      | (?:bearer|basic|bot|token|digest|negotiate|apikey)\s{{1,3}}[^\s,;"'<>]{{1,2048}}
      | [^\s,;&"'<>\])}}]{{1,2048}} )
"""
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
    quote = value[0] if value[0] in "\"'" and value[-1:] == value[0] and len(value) > 1 else ""
    inner = value.strip(quote) if quote else value
    is_password = name[:2].lower() in ("pa", "pw")
    if _HARMLESS.fullmatch(inner) or not inner or (not is_password and len(inner) < _SHORTEST):
        return found[0]
    return f"{name}{quote}{mark('secret')}{quote}"


PAIRS: Final[tuple[Kind, ...]] = (
    kind(
        "cookie", "cookie",
        r"""((?:set-)?cookie2?["']?\]?\s{0,3}[:=]\s{0,3}["']?)([^\r\n"']{3,4096})""",
        lambda found: f"{found[1]}{mark('cookie')}", fold=True,
    ),
    kind(
        "secret", "pass pwd secret credential authori signature token key sig auth code pw", _PAIR, _pair, fold=True,
        behind=r"""[\w-]{0,40}(?:["']\]?)?\s{0,3}(?:[=:]|%3d)""",
    ),
)  # fmt: skip


def is_secret_key(key: str) -> bool:
    """Whether what an attribute with this key holds is a secret, whatever it looks like."""
    return _SECRET_KEY.search(key) is not None
