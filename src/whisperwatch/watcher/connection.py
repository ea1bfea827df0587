"""One connection of a bot, as the watcher's loop serves it: frames are heard where they arrive.

A protocol, not a stream: what a stream costs, two turns of the loop and a task's step for each frame, is more than
what most frames cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from whisperwatch import tape

Frame = tuple[Any, ...]
Hear = Callable[[Frame], None]


class Connection(asyncio.Protocol):
    """Puts frames together and has them heard, one after the other, in the order of their coming.

    Args:
        begun: called with this connection once it is there.
    """

    def __init__(self, begun: Callable[[Connection], None]) -> None:
        loop = asyncio.get_running_loop()
        self._begun = begun
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._first: asyncio.Future[Frame] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        self._hear: Hear | None = None
        self._heard: Callable[[], None] = lambda: None

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    async def first(self) -> Frame:
        """The first frame, which nothing of `marshal` is read for. Those behind it wait for `listen`.

        Raises:
            TapeError: it is no frame.
            ConnectionResetError: the other end hung up before.
        """
        return await asyncio.shield(self._first)

    async def listen(self, hear: Hear, heard: Callable[[], None]) -> None:
        """Call `hear` with each further frame, until `hang_up` says that it is enough, or the other end goes.

        Args:
            hear: given each frame.
            heard: called after those that came together.

        Raises:
            TapeError: what came can't be read, or is nothing that `hear` takes.
        """
        self._hear, self._heard = hear, heard
        self._read()
        await asyncio.shield(self._over)

    def hang_up(self) -> None:
        """Hear no more."""
        self._end(None)

    def send(self, frame: Frame) -> None:
        """Send a frame, when the socket takes it."""
        self.transport.write(tape.pack(frame))

    def close(self) -> None:
        """Close the connection once all that was sent is on its way."""
        self.transport.close()

    # --- what asyncio calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._begun(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._read()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(None)

    # ----------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while (frame := self._next()) is not None:
                if self._first.done():
                    assert self._hear is not None
                    self._hear(frame)
                else:
                    self._first.set_result(frame)
            self._heard()
        except tape.TapeError as error:
            self._end(error)

    def _next(self) -> Frame | None:
        """The next frame that is complete and that somebody wants."""
        is_first = not self._first.done()
        if self._over.done() or not (is_first or self._hear) or len(self._received) < tape.HEADER_SIZE:
            return None
        end = tape.HEADER_SIZE + tape.body_size(bytes(self._received[: tape.HEADER_SIZE]))
        if len(self._received) < end:
            return None
        body = bytes(self._received[tape.HEADER_SIZE : end])
        del self._received[:end]
        return tape.unpack(body, json_only=is_first)

    def _end(self, error: tape.TapeError | None) -> None:
        if not self._first.done():
            self._first.set_exception(error or ConnectionResetError("it hung up before its hello"))
            self._first.exception()  # retrieved, whether or not anybody waits
        if not self._over.done():
            if error is None:
                self._over.set_result(None)
            else:
                self._over.set_exception(error)
                self._over.exception()
