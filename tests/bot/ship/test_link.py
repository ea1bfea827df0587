"""One end of a connection that never waits: what is held goes with what follows, and a full socket loses nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from whisperwatch import tape
from whisperwatch.bot.ship.link import HELD_BYTES, Link


@pytest.fixture
def ends() -> Iterator[tuple[Link, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    link = Link(ours)
    yield link, theirs
    link.close()
    theirs.close()


def came(theirs: socket.socket) -> bytes:
    try:
        return theirs.recv(1 << 20)
    except BlockingIOError:
        return b""


def test_what_is_held_goes_with_the_push(ends: tuple[Link, socket.socket]) -> None:
    link, theirs = ends
    link.hold(b"one")
    link.hold(b"two")
    assert link.sent
    assert came(theirs) == b""
    link.push()
    assert came(theirs) == b"onetwo"


def test_what_is_sent_at_once_goes_behind_what_is_held(ends: tuple[Link, socket.socket]) -> None:
    link, theirs = ends
    link.hold(b"one")
    link.send(b"two")
    assert came(theirs) == b"onetwo"


def test_much_is_not_held(ends: tuple[Link, socket.socket]) -> None:
    link, theirs = ends
    link.hold(bytes(HELD_BYTES - 100_000))
    assert came(theirs) == b""
    link.hold(bytes(100_000))
    received = came(theirs)
    assert received
    while not link.sent:
        link.push()
        received += came(theirs)
    assert received + came(theirs) == bytes(HELD_BYTES)


def test_a_full_socket_loses_nothing(ends: tuple[Link, socket.socket]) -> None:
    link, theirs = ends
    sent = b"".join(bytes([n]) * 65_536 for n in range(40))
    received = b""
    for n in range(40):
        while not link.sent:
            received += came(theirs)
            link.push()
        link.hold(sent[n * 65_536 : (n + 1) * 65_536])
    while len(received) < len(sent):
        link.push()
        received += came(theirs)
    assert received == sent


def test_an_answer_is_heard_and_then_the_end(ends: tuple[Link, socket.socket]) -> None:
    link, theirs = ends
    assert list(link.receive()) == []
    theirs.sendall(tape.pack((tape.ACK, 1, 0)) * 300)  # more than is read in one go
    theirs.close()
    frames = []

    def read_all() -> None:
        while True:
            frames.extend(link.receive())

    with pytest.raises(ConnectionResetError):
        read_all()
    assert frames == [(tape.ACK, 1, 0)] * 300
