"""Why there is no answer, in words that may be shown: nothing of the URL, of what was sent or of what came."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Final

import httpcore2
from anyio import BrokenResourceError, ClosedResourceError, EndOfStream

FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    OSError,
    ValueError,  # a host's name that can be none
    BrokenResourceError,  # httpcore2 lets some of anyio's pass, in a TLS handshake for one
    ClosedResourceError,
    EndOfStream,
)
"""What comes of a network or of a server."""
_BYTES: Final = re.compile(r":?\s*(bytearray\()?b['\"].*", re.DOTALL)


class HttpError(Exception):
    """There is no answer, or not all of it. Its text is why."""


class UnreachableError(HttpError):
    """There is no connection."""


class UntrustedError(UnreachableError):
    """The server's certificate isn't trusted."""


class NoHttpError(HttpError):
    """What came is no HTTP."""


def failure(error: BaseException) -> HttpError:
    """One of `FAILURES`, as ours."""
    roots = list(_roots(error))
    untrusted = [root for root in roots if isinstance(root, ssl.SSLCertVerificationError)]
    if untrusted:
        return UntrustedError(str(untrusted[0]))
    if isinstance(error, httpcore2.ProxyError):
        return UnreachableError(f"the proxy answered {error}")
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
        return UnreachableError(
            _joined(root.strerror or str(root) for root in roots) or "the connection was closed"
        )
    if isinstance(error, httpcore2.RemoteProtocolError) and isinstance(error.args[0], Exception):
        return NoHttpError(_without_bytes(str(error)))
    if isinstance(error, httpcore2.RemoteProtocolError):
        return HttpError("Server disconnected")
    return HttpError(_joined(map(str, roots)) or _without_bytes(str(error)) or "the connection was closed")


def _roots(error: BaseException) -> Iterator[OSError]:
    """What the system said, of exceptions that others were made of."""
    inner = [*getattr(error, "exceptions", ()), error.__cause__, *error.args]
    deeper = [root for one in inner if isinstance(one, BaseException) for root in _roots(one)]
    if deeper:
        yield from deeper
    elif isinstance(error, OSError):
        yield error


def _joined(texts: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _without_bytes(text: str) -> str:
    """h11 quotes what it can't read, or may not send."""
    return _BYTES.sub("", text)
