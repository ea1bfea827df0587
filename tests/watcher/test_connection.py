"""A connection: frames come whole and in order, however the socket cuts them, and its end is heard of."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from whisperwatch import tape
from whisperwatch.watcher.connection import Connection, Frame

HELLO = tape.pack((tape.HELLO, {"pid": 1}))


def note(number: int) -> bytes:
    return tape.pack((tape.NOTE, number, "x" * number))


class Ends:
    """Both ends: `bot` is a plain socket, `connection` the watcher's, `heard` what it heard, a list each time."""

    def __init__(self, bot: socket.socket, connection: Connection) -> None:
        self.bot, self.connection = bot, connection
        self.heard: list[list[int]] = [[]]

    def hear(self, frame: Frame) -> None:
        if frame[1] == 0:
            raise tape.TapeError("nothing that is taken")
        self.heard[-1].append(frame[1])
        if frame[1] == 9:
            self.connection.hang_up()

    async def listen(self) -> list[int]:
        await self.connection.listen(self.hear, lambda: self.heard.append([]))
        return [number for numbers in self.heard for number in numbers]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    bot, watchers = socket.socketpair()
    begun: list[Connection] = []
    await asyncio.get_running_loop().create_connection(lambda: Connection(begun.append), sock=watchers)
    yield Ends(bot, begun[0])
    begun[0].close()
    bot.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_frames_are_heard_in_order_however_they_are_cut(ends: Ends, size: int) -> None:
    sent = HELLO + b"".join(map(note, [1, 2, 3, 9]))

    async def send() -> None:
        for at in range(0, len(sent), size):
            await asyncio.get_running_loop().sock_sendall(ends.bot, sent[at : at + size])
            await asyncio.sleep(0)

    ends.bot.setblocking(False)
    sending = asyncio.create_task(send())
    assert await ends.connection.first() == (tape.HELLO, {"pid": 1})
    assert await ends.listen() == [1, 2, 3, 9]
    await sending


async def test_what_comes_together_is_told_of_once(ends: Ends) -> None:
    ends.bot.sendall(HELLO + note(1) + note(2) + note(9))
    await ends.connection.first()
    await ends.listen()
    assert ends.heard == [[1, 2, 9], []]


async def test_before_the_hello_nothing_is_unmarshaled(ends: Ends) -> None:
    ends.bot.sendall(note(1))
    with pytest.raises(tape.TapeError, match="speaks no tape"):
        await ends.connection.first()


async def test_what_is_not_taken_ends_it(ends: Ends) -> None:
    ends.bot.sendall(HELLO + note(1) + note(0) + note(2))
    await ends.connection.first()
    with pytest.raises(tape.TapeError, match="nothing that is taken"):
        await ends.listen()
    assert ends.heard == [[1]]


async def test_rubbish_ends_it(ends: Ends) -> None:
    ends.bot.sendall(HELLO + b"\xff" * 100)
    await ends.connection.first()
    with pytest.raises(tape.TapeError, match="limit"):
        await ends.listen()


async def test_who_goes_before_the_hello_is_heard_of(ends: Ends) -> None:
    ends.bot.close()
    with pytest.raises(ConnectionResetError):
        await ends.connection.first()


async def test_what_was_sent_before_the_end_is_heard(ends: Ends) -> None:
    ends.bot.sendall(HELLO + note(1) + note(2)[:-1])
    await ends.connection.first()
    listening = asyncio.create_task(ends.listen())
    ends.bot.close()
    assert await listening == [1]


async def test_an_impatient_listener_does_not_end_the_connection(ends: Ends) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            await ends.connection.first()
    ends.bot.sendall(HELLO + note(9))
    assert (await ends.connection.first())[0] == tape.HELLO
    assert await ends.listen() == [9]
