"""The headers of a request: ours, those of the settings, those of the moment, each name once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from whisperwatch.version import __version__

from .address import Address
from .failures import HttpError

_FRAMING: Final = ("content-length", "transfer-encoding")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

Headers = Iterable[tuple[str, str]]


def request_headers(
    there: Address, settings: Headers, moment: Headers, content: bytes | None
) -> list[tuple[bytes, bytes]]:
    """Of each name the last of: our own, those of the settings, those of the moment.

    Raises:
        HttpError: one can't be sent.
    """
    own = [
        ("Host", there.authority),
        ("User-Agent", f"whisperwatch/{__version__}"),
        ("Accept-Encoding", "gzip"),
    ]
    if there.basic is not None:
        own.append(("Authorization", there.basic))
    length = [] if content is None else [("Content-Length", str(len(content)))]
    unframed = [pair for pair in settings if pair[0].lower() not in _FRAMING]
    found = {name.lower(): (name, value.strip()) for name, value in [*own, *unframed, *moment, *length]}
    if any(_CONTROL.search(value) for _, value in found.values()):
        raise HttpError("a header has a control character")
    return [(name.encode(), value.encode()) for name, value in found.values()]
