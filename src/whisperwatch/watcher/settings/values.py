"""What a setting may hold: from the text of a variable to a value, or a ValueError that says what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

Pairs = tuple[tuple[str, str], ...]
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_SIZES: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_SMALLEST, _LARGEST = 2**16, 2**50
_SHORTEST_S: Final = 0.001
_YEAR_S: Final = 366 * 86400.0
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


def seconds(given: Any) -> float:
    """A duration over 0 and up to a year; a plain number is seconds."""
    return _within(duration(given), _SHORTEST_S, _YEAR_S)


def milliseconds(given: Any) -> float:
    """As `seconds`, but a plain number is milliseconds."""
    return _within(duration(given, 0.001), _SHORTEST_S, _YEAR_S)


def hours(given: Any) -> float:
    """A duration from a minute to a year; a plain number is hours."""
    return _within(duration(given, 3600.0), 60.0, _YEAR_S)


def retention(given: Any) -> float:
    """A duration from an hour to ten years; a plain number is days."""
    return _within(duration(given, 86400.0), 3600.0, 10 * _YEAR_S)


def blocked_after(given: Any) -> float:
    """A duration that ship can tell from an ordinary turn of the loop."""
    return _within(duration(given), 0.05, 3600.0)


def timeout(given: Any) -> float:
    """Seconds of an OTLP timeout: plain numbers are milliseconds, but seconds below 100, as Python's SDK has them."""
    try:
        number = float(given)
    except ValueError:
        return seconds(given)
    return _within(number * 0.001 if number >= 100 else number, _SHORTEST_S, _YEAR_S)


def switch(given: Any) -> bool:
    """True or false, in the usual spellings."""
    text = str(given).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError("is neither true nor false")


def size(given: Any) -> int:
    """Bytes of `32MB`, `512KiB` or a plain number, 64 KiB at least; a K is 1024 in both spellings."""
    if not (match := _SIZE.fullmatch(str(given).strip())):
        raise ValueError("is no size")
    return int(_within(float(match[1]) * _SIZES[match[2].lower()], _SMALLEST, _LARGEST))


def whole(least: int, most: float = float("inf")) -> Callable[[Any], int]:
    """A whole number within these bounds."""

    def parse(given: Any) -> int:
        try:
            number = int(str(given).strip())
        except ValueError:
            raise ValueError("is no whole number") from None
        return int(_within(number, least, most))

    return parse


def share(given: Any) -> float:
    """A number from 0 to 1."""
    try:
        number = float(given)
    except ValueError:
        raise ValueError("is no number") from None
    return _within(number, 0.0, 1.0)


def token(given: Any) -> str:
    """Something that can't be guessed and fits into a header."""
    text = str(given).strip()
    if not re.fullmatch(r"[!-~]{16,}", text):
        raise ValueError("is too short, or has characters that don't fit")
    return text


def percent(given: Any) -> float:
    """A number from 0 to 100; a percent sign may follow."""
    try:
        number = float(str(given).strip().removesuffix("%"))
    except ValueError:
        raise ValueError("is no number") from None
    return _within(number, 0.0, 100.0)


def secret(given: Any) -> str:
    """A text of one line."""
    text = str(given).strip()
    if not text or not text.isprintable():
        raise ValueError("is empty or has more than one line")
    return text


def https(given: Any) -> str:
    """An https URL; http only of this machine."""
    text = secret(given)
    try:
        url = urlsplit(text)
        local = url.hostname in {"localhost", "127.0.0.1", "::1"}
        good = bool(url.hostname) and (url.scheme == "https" or (url.scheme == "http" and local))
    except ValueError:
        good = False
    if not good:
        raise ValueError("is no https URL")
    return text


def host(given: Any) -> str:
    """A host, or `host:port`."""
    text = str(given).strip()
    try:
        url = urlsplit(f"//{text}")
        good = bool(url.hostname) and url.port != 0 and url.netloc == text and "@" not in text
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[\w.:\[\]-]+", text):
        raise ValueError("is no host")
    return text


def emails(given: Any) -> tuple[str, ...]:
    """Addresses with commas between; of a file a list too."""
    parts = given if isinstance(given, list) else str(given).split(",")
    found = tuple(filter(None, (str(part).strip() for part in parts)))
    if not found or not all(re.fullmatch(r"[^@\s,]+@[^@\s,]+", one) for one in found):
        raise ValueError("is no email address")
    return found


def pairs(given: Any) -> Pairs:
    """The pairs of `key=value,key2=value2`, percent-decoded. Errors never quote a value: it may be a secret."""
    found = []
    for number, item in enumerate(filter(None, (part.strip() for part in str(given).split(","))), 1):
        key, separator, value = item.partition("=")
        if not separator or not key.strip():
            raise ValueError(f"has no key=value in place {number}")
        found.append((unquote(key).strip(), unquote(value.strip())))
    return tuple(found)


def headers(given: Any) -> Pairs:
    """As `pairs`, with names in lower case and nothing in them that HTTP forbids."""
    found = tuple((name.lower(), value) for name, value in pairs(given))
    for name, value in found:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9a-z-]+", name) or re.search(
            r"[\x00-\x08\x0a-\x1f\x7f]", value
        ):
            raise ValueError("has a name or value that HTTP doesn't allow")
    return found


def endpoint(given: Any) -> str:
    """An http(s) URL, or `host:port`, which gRPC takes; as it was given."""
    text = str(given).strip()
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        good = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:  # an impossible port or address
        good = False
    if not good:
        raise ValueError("is no http or https URL")
    return text


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


def names(given: Any) -> tuple[str, ...]:
    """A list of names with commas between, in lower case."""
    return tuple(filter(None, (part.strip().lower() for part in str(given).split(","))))


def words(*allowed: str, refused: dict[str, str] | None = None) -> Callable[[Any], frozenset[str]]:
    """A list with commas between of these words."""
    parse_one = one_of(*allowed, refused=refused)
    return lambda given: frozenset(parse_one(word) for word in str(given).split(",") if word.strip())


def _within(number: float, least: float, most: float) -> float:
    if number > most:
        raise ValueError("is too high")
    if not number >= least:  # so that NaN fails too
        raise ValueError("is too low")
    return number
