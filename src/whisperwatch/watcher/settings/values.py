"""What a setting may hold: from the text of a variable to a value, or a ValueError that says what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_SIZES: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def duration(given: Any, unit_s: float = 1.0) -> float:
    """Seconds of `30s`, `500ms`, `7d`, `1h30m`; a plain number counts in units of `unit_s` seconds."""
    text = str(given).strip().lower()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
    try:
        return float(text) * unit_s
    except ValueError:
        raise ValueError("is no duration") from None


def timeout(given: Any) -> float:
    """Seconds of an OTLP timeout: plain numbers are milliseconds, but seconds below 100, as Python's SDK has them."""
    try:
        return float(given) * (0.001 if float(given) >= 100 else 1.0)
    except ValueError:
        return duration(given)


def switch(given: Any) -> bool:
    """True or false, in the usual spellings."""
    text = str(given).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError("is neither true nor false")


def size(given: Any) -> int:
    """Bytes of `32MB`, `512KiB` or a plain number; a K is 1024 in both spellings."""
    if not (match := _SIZE.fullmatch(str(given).strip())):
        raise ValueError("is no size")
    return int(float(match[1]) * _SIZES[match[2].lower()])


def pairs(given: Any) -> tuple[tuple[str, str], ...]:
    """The pairs of `key=value,key2=value2`, percent-decoded. Errors never quote a value: it may be a secret."""
    found = []
    for number, item in enumerate(filter(None, (part.strip() for part in str(given).split(","))), 1):
        key, separator, value = item.partition("=")
        if not separator or not key.strip():
            raise ValueError(f"has no key=value in place {number}")
        found.append((unquote(key).strip(), unquote(value.strip())))
    return tuple(found)


def headers(given: Any) -> tuple[tuple[str, str], ...]:
    """As `pairs`, with names in lower case and nothing in them that HTTP forbids."""
    found = tuple((name.lower(), value) for name, value in pairs(given))
    for name, value in found:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9a-z-]+", name) or re.search(
            r"[\x00-\x08\x0a-\x1f\x7f]", value
        ):
            raise ValueError("has a name or value that HTTP doesn't allow")
    return found


def endpoint(given: Any) -> str:
    """An http(s) URL, or `host:port`, which gRPC takes and which becomes an http URL."""
    text = str(given).strip()
    url = urlsplit(text if "://" in text else f"http://{text}")
    if url.scheme not in {"http", "https"} or not url.hostname or not (url.port is None or url.port > 0):
        raise ValueError("is no http or https URL")
    return url.geturl()


def readable_file(given: Any) -> str:
    """The path of a file that this process can read."""
    if not os.path.isfile(path := os.path.expanduser(str(given))) or not os.access(path, os.R_OK):
        raise ValueError("is no file that can be read")
    return path


def one_of(*allowed: str, refused: dict[str, str] | None = None) -> Callable[[Any], str]:
    """One of these words; for a word in `refused` the error says why not."""

    def parse(given: Any) -> str:
        text = str(given).strip().lower()
        if text not in allowed:
            raise ValueError((refused or {}).get(text, "is unknown"))
        return text

    return parse


def words(*allowed: str, refused: dict[str, str] | None = None) -> Callable[[Any], frozenset[str]]:
    """A list with commas between of these words."""
    parse_one = one_of(*allowed, refused=refused)
    return lambda given: frozenset(parse_one(word) for word in str(given).split(",") if word.strip())


Seconds = Annotated[float, BeforeValidator(duration), Field(gt=0, le=366 * 86400)]
Milliseconds = Annotated[float, BeforeValidator(partial(duration, unit_s=0.001)), Field(gt=0, le=366 * 86400)]
Timeout = Annotated[float, BeforeValidator(timeout), Field(gt=0, le=86400)]
Switch = Annotated[bool, BeforeValidator(switch)]
BlockedAfter = Annotated[float, BeforeValidator(duration), Field(ge=0.05, le=3600)]
Bytes = Annotated[int, BeforeValidator(size), Field(ge=65536)]
Share = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
Pairs = Annotated[tuple[tuple[str, str], ...], BeforeValidator(pairs)]
Headers = Annotated[tuple[tuple[str, str], ...], BeforeValidator(headers)]
Endpoint = Annotated[str, BeforeValidator(endpoint)]
File = Annotated[str, BeforeValidator(readable_file)]
Count = Annotated[int, Field(ge=1)]
