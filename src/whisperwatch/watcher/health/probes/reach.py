"""Can it be reached at all: the name is resolved and a connection opened, and closed without a word."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl as tls
from collections.abc import AsyncIterator, Mapping
from typing import Any

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_LIMIT = 1 << 20


async def connect(host: str, port: int) -> str:
    """Open a connection and close it."""
    async with opened(host, port):
        return "takes connections"


@contextlib.asynccontextmanager
async def opened(
    host: str, port: int, ssl: tls.SSLContext | None = None, server_hostname: str | None = None
) -> AsyncIterator[Streams]:
    """A connection to `host` and `port`, or to the unix socket that `host` is the path of. It is cut off at the end.

    Raises:
        OSError: it can't be opened.
    """
    if host.startswith(("/", "@")):
        reader, writer = await asyncio.open_unix_connection(host, limit=_LIMIT)
    else:
        reader, writer = await asyncio.open_connection(
            host, port, ssl=ssl, server_hostname=server_hostname, limit=_LIMIT
        )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # a server that hangs can't hold us at a polite end


def first_host(arguments: Mapping[str, Any], port: int) -> tuple[str, int]:
    """Of arguments with one host or several: the first, and its port. A directory is that of PostgreSQL's socket."""
    host, ports = arguments.get("host") or "localhost", arguments.get("port") or port
    host = host if isinstance(host, str) else next(iter(host), "localhost")
    port = int(ports if isinstance(ports, int | str) else next(iter(ports), port))
    return (os.path.join(host, f".s.PGSQL.{port}") if host.startswith("/") else host), port


def trust() -> tls.SSLContext:
    """The system's certificates; those of certifi, where the system has none and the bot has that."""
    context = tls.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not tls.get_default_verify_paths().capath:
        with contextlib.suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    return context
