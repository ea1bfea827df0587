"""One GET over a connection of its own, by h11, which uvicorn has brought: no client is loaded for that alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import h11

from .errors import ProbeError, UnknownError
from .reach import opened, trust

_MOST_BYTES: Final = 1 << 20
_READ: Final = 1 << 16


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ProbeError: it is none.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProbeError("answers something that is not JSON") from error


async def get(url: str, headers: Mapping[str, str]) -> Answer:
    """GET `url`; redirects are not followed.

    Raises:
        UnknownError: a proxy stands between.
        ProbeError: the answer is over 1 MiB.
        h11.ProtocolError: the answer is no HTTP.
        OSError: what connecting raises.
    """
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or "localhost"
    if getproxies().get(parts.scheme) and not proxy_bypass(host):
        raise UnknownError("is behind a proxy, and not asked from here")
    # the name, and not the address, is what a certificate and a virtual host are known by
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = h11.Request(
        method="GET",
        target=target,
        headers=[("Host", parts.netloc.rpartition("@")[2]), ("Accept", "application/json"),
                 ("User-Agent", "whisperwatch-health"), ("Connection", "close"), *headers.items()],
    )  # fmt: skip
    connection = h11.Connection(h11.CLIENT)
    sent = connection.send(request) + connection.send(h11.EndOfMessage())
    async with opened(host, parts.port or (443 if secure else 80), trust() if secure else None) as (
        reader,
        writer,
    ):
        writer.write(sent)
        status, body = 0, bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _MOST_BYTES:
                    raise ProbeError("answers without end")
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, bytes(body))
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise ProbeError("closed the connection in the middle of an answer")
