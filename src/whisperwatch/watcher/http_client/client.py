"""Asks one server, over few connections that are kept."""

from __future__ import annotations

import asyncio
import ssl
from functools import cached_property
from typing import Any, Final

import httpcore2

from .address import Address, address, encoded
from .answer import Answer, read
from .failures import FAILURES, failure
from .headers import Headers, request_headers
from .proxy import proxy_at, proxy_for

_KEPT_S: Final = 15.0
"""Before servers and routers in between give a connection up."""
_GONE: Final = (httpcore2.ReadError, httpcore2.WriteError, httpcore2.RemoteProtocolError)


class HttpClient:
    """Asks what is at a URL and below it, through the proxy that the environment names at its making, if it does.

    Redirects are not followed: they would turn a POST into a GET, or carry the headers to another host.

    Args:
        url: may have a user and a password.
        headers: of each request. They win over those that it would have by itself.
        tls: how an https URL is trusted.
        connections: how many at once, at most.
        timeout_s: how long a request may take, with its answer.
    """

    def __init__(
        self, url: str, headers: Headers, tls: ssl.SSLContext | None, connections: int, timeout_s: float
    ) -> None:
        self._url = url
        self._headers = tuple(headers)
        self._tls = tls
        self._most = connections
        self._timeout_s = timeout_s
        self._proxy = proxy_for(url)
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def ask(
        self, method: str, more: str = "", content: bytes | None = None, headers: Headers = (), *, most: int
    ) -> Answer:
        """Send a request and read its answer, up to `most` bytes and one that says that there are more.

        Args:
            more: path and query, after the URL's own.
            headers: of this request; they win.

        Raises:
            TimeoutError, HttpError: there is none.
        """
        until = asyncio.get_running_loop().time() + self._timeout_s
        there = self._there
        request = httpcore2.Request(
            method,
            self._target(there, encoded(more)),
            headers=request_headers(there, self._headers, headers, content),
            content=content,
            extensions={"sni_hostname": there.host},
        )
        try:
            async with asyncio.timeout_at(until):
                response = await self._answered(request)
        except TimeoutError:
            raise
        except FAILURES as error:
            raise failure(error) from None
        return await read(there.shown, response, most, until)

    async def close(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    @cached_property
    def _there(self) -> Address:
        return address(self._url)

    async def _answered(self, request: httpcore2.Request, again: bool = True) -> httpcore2.Response:
        """Where a kept connection turns out to have ended, asked once more, over a new one."""
        opened = _Opened()
        request.extensions["trace"] = opened
        try:
            return await self._connections().handle_async_request(request)
        except BaseException as error:
            await opened.close()
            if not again or opened.stream is not None or not isinstance(error, _GONE):
                raise
        return await self._answered(request, again=False)

    def _target(self, there: Address, more: str) -> httpcore2.URL:
        # a proxy is told the host as in a URL, and httpcore2 puts no brackets
        host = f"[{there.host}]" if self._proxy is not None and ":" in there.host else there.host
        return httpcore2.URL(
            scheme=there.scheme, host=host, port=there.port, target=there.target + more or "/"
        )

    def _connections(self) -> httpcore2.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=self._tls,
                proxy=None if self._proxy is None else proxy_at(self._proxy, self._tls),
                max_connections=self._most,
                keepalive_expiry=_KEPT_S,
            )
        return self._pool


class _Opened:
    """The connection that was opened for a request, if one was: what httpcore2 traces says so."""

    def __init__(self) -> None:
        self.stream: httpcore2.AsyncNetworkStream | None = None

    async def __call__(self, event: str, about: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self.stream = about["return_value"]

    async def close(self) -> None:
        """Where a TLS handshake is cancelled, httpcore2 leaves it open."""
        if self.stream is not None:
            await self.stream.aclose()
