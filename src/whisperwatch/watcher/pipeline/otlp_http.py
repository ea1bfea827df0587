"""OTLP over HTTP with protobuf: https://opentelemetry.io/docs/specs/otlp/#otlphttp.

The specification lets a request go at every 4xx but 408 and 429. Here that holds for what is wrong with the request
itself. Where the way is wrong (a path, a token, a tenant, TLS), the same request is right as soon as the operator has
mended that: it waits.
"""

from __future__ import annotations

import gzip
import io
import re
import ssl
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from whisperwatch.version import __version__
from whisperwatch.watcher.pipeline.protobuf import WireError
from whisperwatch.watcher.pipeline.transport import Failed, Outcome, Refused, Taken, answer, printable
from whisperwatch.watcher.settings import Target

_TYPE = "application/x-protobuf"
_GZIP_LEVEL = 1
"""Telemetry repeats itself: higher levels cost several times as much and save little."""
_LARGE = 1_000_000
"""aiohttp wants longer bodies as files, which it writes piece by piece."""
_WRONG_WAY = frozenset({401, 403, 404, 405, 407, 410})
_HTTPS = re.compile("HTTP request (was sent )?to (an )?HTTPS")
"""What servers with TLS answer, with status 400, to who speaks none: Go's, and nginx."""
_MOST_ANSWER = 65_536
_LONGEST_PAUSE_S = 3600.0


class HttpTransport:
    """Posts to one URL over one kept connection, through the proxy that the environment names, if it does.

    Raises:
        OSError, ssl.SSLError: a certificate or a key of the target can't be read.
    """

    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target = target
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tls = tls_context(target) if target.url.startswith("https:") else None
        self._headers = {
            "User-Agent": f"whisperwatch/{__version__}",
            **dict(target.headers),
            "Content-Type": _TYPE,
        }
        if target.compression == "gzip":
            self._headers["Content-Encoding"] = "gzip"
        self._proxy = proxy_for(target.url)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> Outcome:
        """Post it."""
        if self._target.compression == "gzip":
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        try:
            try:
                return await self._post(body)
            except aiohttp.ServerDisconnectedError:
                return await self._post(body)  # the connection was kept from a server that has ended since
        except TimeoutError:
            return Failed(f"{self._target.shown} didn't answer within {self._timeout.total:g} s")
        except aiohttp.ClientConnectorError as error:
            reason = printable(error.os_error.strerror or str(error.os_error) or type(error).__name__)
            return Failed(f"{self._target.shown} can't be reached: {reason}")
        except aiohttp.ClientResponseError as error:  # its str() has the whole URL, and keys in its query
            return Failed(
                f"{self._target.shown} speaks no HTTP that can be read: {_without_bytes(error.message)}"
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Failed(f"{self._target.shown}: {printable(str(error)) or type(error).__name__}")

    async def _post(self, body: bytes) -> Outcome:
        # a redirect would turn the POST into a GET, or carry the headers to another host
        data = body if len(body) < _LARGE else io.BytesIO(body)
        async with self._client().post(
            self._target.url, data=data, allow_redirects=False, proxy=self._proxy
        ) as response:
            return _outcome(response, await _read(response))

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=2, ssl=self._tls if self._tls is not None else True)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                headers=self._headers,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def proxy_for(url: str) -> str | None:
    """The proxy of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, looked up once: for aiohttp it would be once a request."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


def tls_context(target: Target) -> ssl.SSLContext:
    """TLS with the target's certificates.

    Raises:
        OSError, ssl.SSLError: one of them can't be read.
    """
    context = ssl.create_default_context(cafile=target.certificate)
    if target.client_certificate:
        context.load_cert_chain(target.client_certificate, target.client_key)
    return context


def _without_bytes(message: str) -> str:
    return printable(message.partition("b'")[0]).rstrip(": ")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as it is of use; the status counts even if the body never comes."""
    body = b""
    try:
        async for chunk in response.content.iter_chunked(4096):
            body += chunk
            if len(body) > _MOST_ANSWER:
                break
    except (aiohttp.ClientError, TimeoutError):
        return b""
    return body


def _outcome(response: aiohttp.ClientResponse, body: bytes) -> Outcome:
    status = response.status
    where = (
        f"{response.url.with_query(None).with_user(None)} answered {status} {response.reason or ''}".rstrip()
    )
    if 200 <= status < 300:
        return _taken(response, body, where)
    said = printable(body.decode("utf-8", "replace"))
    message = f"{where}: {said}" if said and response.content_type != _TYPE else where
    if status in _WRONG_WAY or status < 400 or _HTTPS.search(said):
        return Failed(message)
    if status in (408, 429) or status >= 500:
        return Failed(message, retry_after(response.headers.get("Retry-After"), time.time()))
    return Refused(f"http_{status}", message)


def _taken(response: aiohttp.ClientResponse, body: bytes, where: str) -> Taken | Failed:
    if not body:
        return Taken()
    if response.content_type != _TYPE:
        told = f"{where} with {response.content_type}, which is no answer of OTLP: is it a collector?"
        return Failed(told) if response.content_type == "text/html" else Taken(0, told)
    try:
        return answer(body)
    except WireError as error:
        return Taken(0, f"{where}, but the answer can't be decoded ({error}): is it a collector?")


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, at most an hour; None without one, or with nonsense in it."""
    if not header:
        return None
    try:
        seconds = (
            float(header) if header.strip().isdigit() else parsedate_to_datetime(header).timestamp() - now
        )
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S)
