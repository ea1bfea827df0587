"""What HTTP makes of a URL: ASCII alone, and its user and password apart, as the value of a header."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .failures import HttpError

_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = "/?%!$&'()*+,;=:@~"
"""What stays as it is in a path and a query; `%` is part of what is encoded already."""
_STRAY: Final = re.compile("%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ask.

    Attributes:
        host: a name in ASCII or an IP address, without brackets.
        port: None where it is the scheme's.
        authority: host and port as a URL and the header Host have them.
        target: path and query; may be empty.
        basic: the header Authorization that user and password are.
    """

    scheme: str
    host: str
    port: int | None
    authority: str
    target: str
    basic: str | None

    @property
    def shown(self) -> str:
        """The URL without user, password and query."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def address(url: str) -> Address:
    """What is at `url`.

    Raises:
        HttpError: nothing can be.
    """
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:  # it may quote the URL
        raise HttpError("the URL's host or port can be none") from None
    if parts.scheme not in _PORTS or not host:
        raise HttpError("is no http or https URL")
    named = f"[{host}]" if ":" in host else host
    if port == _PORTS[parts.scheme]:
        port = None
    return Address(
        parts.scheme,
        host,
        port,
        named if port is None else f"{named}:{port}",
        encoded(parts.path + (f"?{parts.query}" if parts.query else "")),
        _basic(parts),
    )


def encoded(target: str) -> str:
    """A path and its query, percent-encoded where they aren't yet."""
    return quote(_STRAY.sub("%25", target), safe=_PLAIN)


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    import idna  # large tables, for few

    return idna.encode(host, uts46=True).decode()


def _basic(parts: SplitResult) -> str | None:
    if parts.username is None and parts.password is None:
        return None
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    try:
        told = pair.encode("latin-1")
    except UnicodeEncodeError:
        told = pair.encode()
    return f"Basic {base64.b64encode(told).decode()}"
