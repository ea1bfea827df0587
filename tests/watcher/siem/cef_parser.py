"""A strict parser of CEF: whatever ArcSight's standard forbids raises. Written to the standard, not to our writer."""

from __future__ import annotations

import re

_HEADER = ("version", "vendor", "product", "device_version", "class_id", "name", "severity")
_KEY = re.compile(r"(?:^| )([A-Za-z0-9_.-]+)=")


def parse(line: str) -> tuple[dict[str, str], dict[str, str]]:
    """The header and the extension of a line.

    Raises:
        ValueError: it is none.
    """
    if any(character in line for character in "\r\n\0"):
        raise ValueError("more than a line")
    fields, rest = _header(line)
    if len(fields) != 7 or not fields[0].startswith("CEF:"):
        raise ValueError(f"{len(fields)} fields of a header")
    header = dict(zip(_HEADER, [fields[0].removeprefix("CEF:"), *fields[1:]], strict=True))
    if not 0 <= int(header["severity"]) <= 10:
        raise ValueError("a severity that is none")
    return header, _extension(rest)


def _header(line: str) -> tuple[list[str], str]:
    fields, current, at = [], "", 0
    while at < len(line) and len(fields) < 7:
        if line[at] == "\\":
            if at + 1 == len(line) or line[at + 1] not in "\\|":
                raise ValueError("a backslash that escapes nothing")
            current += line[at + 1]
            at += 2
            continue
        if line[at] == "|":
            fields.append(current)
            current = ""
        else:
            current += line[at]
        at += 1
    return fields, line[at:]


def _extension(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    keys = [one for one in _KEY.finditer(text) if not _escaped(text, one.end() - 1)]
    if keys and keys[0].start() != 0:
        raise ValueError("text before the first key")
    for number, key in enumerate(keys):
        end = keys[number + 1].start() if number + 1 < len(keys) else len(text)
        if key[1] in found:
            raise ValueError(f"{key[1]} twice")
        found[key[1]] = _unescaped(text[key.end() : end])
    return found


def _escaped(text: str, at: int) -> bool:
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    value, at = "", 0
    while at < len(text):
        if text[at] == "=":
            raise ValueError("an equals sign that is not escaped")
        if text[at] == "\\":
            escaped = text[at + 1 : at + 2]
            if escaped not in ("\\", "=", "n", "r"):
                raise ValueError("a backslash that escapes nothing")
            value += {"n": "\n", "r": "\r"}.get(escaped, escaped)
            at += 2
            continue
        value += text[at]
        at += 1
    return value
