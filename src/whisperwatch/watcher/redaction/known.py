"""The secrets of this bot, which are known by value: what its environment calls a token, a key or a password.

They are masked whatever they look like. The watcher has the environment of the bot that started it, and reads that of
others that attach to it where the system shows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit

SHORTEST: Final = 8
"""Characters of a value; what is shorter stands in too many texts by chance."""
_MOST_BYTES: Final = 16_384
_NAME: Final = re.compile(
    r"(?:^|_)(?:TOKEN|KEY|SECRET|PASS|PW|PWD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN|APIKEY|AUTH|WEBHOOK|PAT)"
    r"(?:_(?:ID|URL|VALUE|FILE|\d+))?\d*$|PASSWORD|SECRET|TOKEN(?!S|IZER)"
)
_WORDS: Final = frozenset({
    "postgres", "postgresql", "password", "changeme", "username", "database", "localhost", "whisperwatch",
    "whisperengine", "development", "production", "disabled",
})  # fmt: skip
"""Passwords that hide nothing, and words that logs are full of."""


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Every secret value, the longest first, in each form in which it may stand in a text."""
    found = {one for name, value in environ.items() for one in _of(name.upper(), value.strip())}
    kept = {one for one in found if len(one) >= SHORTEST and one.lower() not in _WORDS and not one.isdigit()}
    encoded = {form for one in kept for form in (quote(one, safe=""), one.replace('"', '\\"'))}
    return sorted(kept | encoded, key=len, reverse=True)


def environment_of(pid: int) -> dict[str, str]:
    """What a process was started with; nothing where that can't be read."""
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as file:
            pairs = [pair.partition("=") for pair in file.read().split("\0")]
    except OSError:
        return {}
    return {name: value for name, _, value in pairs if name}


def _of(name: str, value: str) -> Iterator[str]:
    if "://" in value:
        yield from _password_in(value)
    if name.endswith("_HEADERS"):  # OTEL_EXPORTER_OTLP_HEADERS
        yield from _headers(value)
    elif _NAME.search(name):
        if name.endswith("_FILE"):
            yield _content(value)
        elif not (value.startswith(("/", "~", "./")) and os.path.exists(os.path.expanduser(value))):
            yield value


def _password_in(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _headers(value: str) -> Iterator[str]:
    for pair in value.split(","):
        header = unquote(pair.partition("=")[2]).strip()
        yield header
        yield header.partition(" ")[2].strip()


def _content(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES).strip()
    except OSError:
        return ""
