"""OTLP over HTTP with protobuf: https://opentelemetry.io/docs/specs/otlp/#otlphttp.

The specification lets a request go at every 4xx but 408 and 429. Here that holds for what is wrong with the request
itself. Where the way is wrong (a path, a token, a tenant, TLS), the same request is right as soon as the operator has
mended that: it waits.
"""

from __future__ import annotations

import gzip
import re
import time
from email.utils import parsedate_to_datetime

from whisperwatch.watcher.certificates import tls_context
from whisperwatch.watcher.http_client import (
    Answer,
    HttpClient,
    HttpError,
    NoHttpError,
    UnreachableError,
)
from whisperwatch.watcher.pipeline.protobuf import WireError
from whisperwatch.watcher.pipeline.transport import Failed, Outcome, Refused, Taken, answer, printable
from whisperwatch.watcher.settings import Target

_TYPE = "application/x-protobuf"
_GZIP_LEVEL = 1
"""Telemetry repeats itself: higher levels cost several times as much and save little."""
_CONNECTIONS = 2
_WRONG_WAY = frozenset({401, 403, 404, 405, 407, 410})
_HTTPS = re.compile("HTTP request (was sent )?to (an )?HTTPS")
"""What servers with TLS answer, with status 400, to who speaks none: Go's, and nginx."""
_MOST_ANSWER = 65_536
_LONGEST = 500
_LONGEST_PAUSE_S = 3600.0


class HttpTransport:
    """Posts to one URL over one kept connection, through the proxy that the environment names, if it does.

    Raises:
        OSError, ssl.SSLError: a certificate or a key of the target can't be read.
    """

    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target = target
        self._timeout_s = timeout_s
        tls = None
        if target.url.startswith("https:"):
            tls = tls_context(target.certificate, target.client_certificate, target.client_key)
        self._client = HttpClient(target.url, target.headers, tls, _CONNECTIONS, timeout_s)
        self._headers = {"Content-Type": _TYPE, "Accept-Encoding": "identity"}
        if target.compression == "gzip":
            self._headers["Content-Encoding"] = "gzip"

    async def send(self, body: bytes) -> Outcome:
        """Post it."""
        if self._target.compression == "gzip":
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        try:
            said = await self._client.ask(
                "POST", content=body, headers=self._headers.items(), most=_MOST_ANSWER
            )
        except TimeoutError:
            return Failed(f"{self._target.shown} didn't answer within {self._timeout_s:g} s")
        except UnreachableError as error:
            return Failed(f"{self._target.shown} can't be reached: {printable(str(error))}")
        except NoHttpError as error:
            return Failed(f"{self._target.shown} speaks no HTTP that can be read: {printable(str(error))}")
        except HttpError as error:
            return Failed(f"{self._target.shown}: {printable(str(error))}")
        return _outcome(said)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def _outcome(said: Answer) -> Outcome:
    status = said.status
    where = printable(f"{said.where} answered {status} {said.reason}", _LONGEST)
    body = said.body if said.lost is None else b""  # the status counts even if the body never comes
    if 200 <= status < 300:
        return _taken(said, body, where)
    told = printable(body.decode("utf-8", "replace"))
    message = f"{where}: {told}" if told and said.content_type != _TYPE else where
    if status in _WRONG_WAY or status < 400 or _HTTPS.search(told):
        return Failed(message)
    if status in (408, 429) or status >= 500:
        return Failed(message, retry_after(said.headers.get("retry-after"), time.time()))
    return Refused(f"http_{status}", message)


def _taken(said: Answer, body: bytes, where: str) -> Taken | Failed:
    if not body:
        return Taken()
    if said.content_type != _TYPE:
        told = f"{where} with {printable(said.content_type)}, which is no answer of OTLP: is it a collector?"
        return Failed(told) if said.content_type == "text/html" else Taken(0, told)
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
