"""A connection to a syslog receiver. Syslog has no receipts: taken is what the receiver's kernel has acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import ssl
import struct
import termios
from typing import Final

from whisperwatch.watcher.certificates import tls_context
from whisperwatch.watcher.settings.siem import Siem

_PATIENCE_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.01


class Connection:
    """One that is open, until `closed` is done."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.closed = asyncio.create_task(_until_closed(reader), name="syslog receiver")

    async def send(self, frames: bytes) -> None:
        """Send frames, no more than fit into the kernel's buffer, and wait until the other side has them.

        Raises:
            OSError: it hung up (TimeoutError: it says nothing); what it has of the frames nobody knows.
        """
        self._writer.write(frames)
        async with asyncio.timeout(_PATIENCE_S):
            await self._writer.drain()
            while self._unacknowledged():
                await asyncio.wait([self.closed], timeout=_LOOK_AGAIN_S)
        if self.closed.done():
            raise ConnectionResetError(why(self.closed))

    async def close(self) -> None:
        """Hang up."""
        self.closed.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()

    def _unacknowledged(self) -> int:
        """Bytes that the kernel keeps, for they may have to be sent again. Where it doesn't say so, none."""
        if self.closed.done():
            return 0
        try:
            answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return 0
        return int(struct.unpack("i", answer)[0])


async def connect(settings: Siem) -> Connection:
    """A new connection. The certificates are read anew, for they are renewed from time to time.

    Raises:
        OSError: it can't be made (ssl.SSLError: TLS fails, or a certificate can't be read; TimeoutError).
    """
    tls = _tls(settings) if settings.transport == "tls" else None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return Connection(*await asyncio.open_connection(settings.host, settings.port, ssl=tls))
    except ConnectionResetError as error:
        if tls is not None and error.errno is None:  # asyncio's, with no text of its own
            raise ConnectionResetError("it hung up when TLS should begin: does it speak TLS?") from None
        raise


def why(closed: asyncio.Task[str]) -> str:
    """Why a connection is closed."""
    return "it hung up" if closed.cancelled() else closed.result()


def _tls(settings: Siem) -> ssl.SSLContext:
    try:
        return tls_context(settings.ca_file, settings.client_certificate, settings.client_key)
    except OSError as error:
        raise OSError(f"a certificate or key of SIEM_SYSLOG_… can't be read: {error.strerror}") from None


async def _until_closed(reader: asyncio.StreamReader) -> str:
    """Read until the other side hangs up, which a receiver does when it doesn't want us; what it said of that."""
    try:
        while await reader.read(4096):
            pass
    except OSError as error:  # ssl.SSLError is one
        return error.strerror or type(error).__name__
    return "it hung up"
