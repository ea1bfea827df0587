"""One connection to a watcher, as the ship's thread uses it: nothing here ever waits for the other end."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from typing import Any

from whisperwatch import tape

_READ_BYTES = 4096
HELD_BYTES = 1024 * 1024
"""Frames go together: each waking costs the watcher more than most frames, and after each call of the system a busy
loop may keep the GIL for long."""
_QUIET = getattr(socket, "MSG_NOSIGNAL", 0)
"""A host may have SIGPIPE at its default, which is death."""


class Link:
    """A non-blocking socket, what is held for it, what is half sent, and the frames that came."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._incoming = tape.Incoming()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._unsent = memoryview(b"")

    @property
    def sent(self) -> bool:
        """Whether there is room for another frame: the kernel has taken all but those that are held."""
        return not self._unsent

    def hold(self, frame: bytes) -> None:
        """Send a frame with the next ones, at the latest with `push`; `sent` must hold before.

        Raises:
            OSError: the connection is gone.
        """
        self._held.append(frame)
        self._held_bytes += len(frame)
        if self._held_bytes >= HELD_BYTES:
            self.push()

    def send(self, frame: bytes) -> None:
        """Send a frame, or as much of it as goes; `sent` must hold before.

        Raises:
            OSError: the connection is gone.
        """
        self.hold(frame)
        self.push()

    def push(self) -> None:
        """Send what is held, and more of what is half sent.

        Raises:
            OSError: the connection is gone.
        """
        try:
            while self._unsent or self._held:
                if not self._unsent:
                    self._unsent = memoryview(b"".join(self._held))
                    self._held, self._held_bytes = [], 0
                self._unsent = self._unsent[self._socket.send(self._unsent, _QUIET) :]
        except BlockingIOError:
            return

    def receive(self) -> Iterator[tuple[Any, ...]]:
        """The frames that have come.

        Raises:
            OSError: the connection is gone, or the other end speaks no tape.
        """
        while True:
            try:
                received = self._socket.recv(_READ_BYTES)
            except BlockingIOError:
                return
            if not received:
                raise ConnectionResetError("the watcher closed the connection")
            yield from self._incoming.feed(received)
            if len(received) < _READ_BYTES:  # there is no more: an error for each look would be dear
                return

    def wait(self, seconds: float, *, for_answer: bool = False) -> None:
        """Wait until there is room to send (or an answer to read), at most `seconds`."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN if for_answer else select.POLLOUT)
        poll.poll(max(0.0, seconds) * 1000)

    def close(self) -> None:
        self._socket.close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's socket without a word on it."""
        os.close(self._socket.detach())
