"""Watchers that refuse, don't answer, can't be started; and bots that are what the watcher can't take."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from whisperwatch import tape

from .conftest import Bot, is_alive, until

Bots = Callable[..., Bot]
REPLACED = """
from whisperwatch.bot.ship import launch
launch._command = lambda connection, state, lock: [sys.executable, '-c', {code!r}]
"""


class Client:
    """Speaks to a watcher by hand."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self._incoming = tape.Incoming()

    def send(self, *frame: Any) -> None:
        self.socket.sendall(tape.pack(frame))

    def frames(self) -> Iterator[tuple[Any, ...]]:
        """Frames until the watcher hangs up."""
        with contextlib.suppress(ConnectionResetError):
            while received := self.socket.recv(65536):
                yield from self._incoming.feed(received)

    def hello(self) -> dict[str, Any]:
        self.send(*tape.hello())
        kind, welcome = next(self.frames())
        assert kind == tape.WELCOME
        return dict(welcome)


Clients = Callable[[], Client]


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a watcher that was started by hand, and that whatever clients send here has to survive."""
    with started(tmp_path_factory.mktemp("long-lived")) as path:
        yield path


@pytest.fixture
def clients(long_lived: Path) -> Iterator[Clients]:
    made = []

    def make() -> Client:
        made.append(Client(long_lived))
        return made[-1]

    yield make
    for client in made:
        client.socket.close()


def listens(path: Path) -> bool:
    """Whether a socket can be connected to: its file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture
def watcher(state: Path) -> Iterator[Path]:
    """The socket of a watcher of the test's own that was started by hand."""
    with started(state) as path:
        yield path


@contextlib.contextmanager
def started(state: Path) -> Iterator[Path]:
    command = [sys.executable, "-m", "whisperwatch.watcher", "--state-dir", str(state), "--stay"]
    surroundings = {**os.environ, "HEALTH_CHECK_PORT": "0"}
    process = subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, text=True)
    until(lambda: listens(state / "watcher.sock"))
    yield state / "watcher.sock"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert process.stderr is not None
    process.stderr.close()
    assert not (state / "watcher.sock").exists()


def test_by_hand_it_stays_for_bots_that_come_and_go(watcher: Path, bots: Bots) -> None:
    one = bots()
    first = one.sail()
    assert one.do("ship.stop(10)")
    one.end()
    assert bots().sail()["pid"] == first["pid"]


def test_by_hand_twice_is_refused(watcher: Path, state: Path) -> None:
    command = [sys.executable, "-m", "whisperwatch.watcher", "--state-dir", str(state)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_another_version_is_refused_with_both_named(clients: Clients) -> None:
    client = clients()
    client.send(tape.HELLO, {**tape.hello()[1], "tape": 99, "version": "9.9"})
    kind, refusal = next(client.frames())
    assert kind == tape.REFUSED
    assert "99" in refusal["reason"]
    assert "9.9" in refusal["reason"]


def test_another_marshal_is_refused(clients: Clients) -> None:
    client = clients()
    client.send(tape.HELLO, {**tape.hello()[1], "marshal": 99})
    kind, refusal = next(client.frames())
    assert kind == tape.REFUSED
    assert "Python" in refusal["reason"]


def test_a_refused_bot_says_so_once_and_stays_away(watcher: Path, bots: Bots) -> None:
    bot = bots()
    bot.do("from whisperwatch import tape; tape.VERSION = 99; ship = make_ship(); ship.start()")
    assert bot.do("until(lambda: ship._keeper.refused)")
    bot.do("record(5000)")
    assert bot.do("until(lambda: ship.lost_spans == 5000)")
    assert len([entry for entry in bot.do("logged") if "refuses" in entry]) == 1
    assert bot.do("ship._cargo.waiting.size") == 0
    assert bot.do("ship.stop(5)") is False


@pytest.mark.parametrize(
    "body", [b"Mxyz", b"J{", b"J[]", b"J[1]", b'J["batch"]', b"M\xe9\x00\x00\x00\x00", b"GET / HTTP/1.1"]
)
def test_rubbish_instead_of_a_hello_closes_only_that_connection(clients: Clients, body: bytes) -> None:
    client = clients()
    client.socket.sendall(len(body).to_bytes(4, "big") + body)
    assert list(client.frames()) == []
    assert clients().hello()


def test_a_frame_that_is_too_long_closes_only_that_connection(clients: Clients) -> None:
    client = clients()
    client.hello()
    client.socket.sendall(b"\xff\xff\xff\xff")
    assert all(frame[0] == tape.NOTE for frame in client.frames())
    assert clients().hello()


def test_rubbish_after_the_hello_closes_only_that_connection(clients: Clients) -> None:
    chance = random.Random(1)
    good = tape.pack((tape.BATCH, 1, 0, [("scope", 1, "x", None, None, None)], [], [], {"sent": 1}, []))[4:]
    for _ in range(150):
        client = clients()
        client.hello()
        body = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            body[chance.randrange(1, len(body))] = chance.randrange(256)
        with contextlib.suppress(BrokenPipeError):  # it may have hung up by now
            client.socket.sendall(len(body).to_bytes(4, "big") + body)
            client.socket.sendall(tape.pack(("nonsense",)))
        assert all(frame[0] in (tape.NOTE, tape.ACK) for frame in client.frames())
    assert clients().hello()


def test_batches_of_another_shape_close_only_that_connection(clients: Clients) -> None:
    shapes: list[tuple[Any, ...]] = [
        (tape.BATCH,),
        (tape.BATCH, 1, 0, [], [], []),
        (tape.BATCH, "1", None, 3, 4, 5, 6, 7),
        (tape.BATCH, 1, 0, None, None, None, None, None),
        (tape.BATCH, 1, 0, [], [], [], None, 8),
        (tape.GOODBYE,),
        ("unknown", 1),
    ]
    for shape in shapes:
        client = clients()
        client.hello()
        client.send(*shape)
        assert all(frame[0] == tape.NOTE for frame in client.frames()), shape
    assert clients().hello()


def test_a_watcher_that_never_answers_is_killed_and_replaced(bots: Bots) -> None:
    bot = bots()
    code = "import os, time; open('pids', 'a').write(f'{os.getpid()} '); time.sleep(100)"
    bot.do("import tempfile; os.chdir(tempfile.mkdtemp())")
    bot.do("from whisperwatch.bot.ship import launch; real = launch._command")
    bot.do(REPLACED.format(code=code))
    bot.do("ship = make_ship(hello_timeout_s=3.0); ship.start(); record(10)")
    assert bot.do("until(lambda: os.path.exists('pids') and len(open('pids').read().split()) == 2)")
    first, _ = map(int, bot.do("open('pids').read()").split())
    assert not is_alive(first)
    assert any("did not answer the hello" in entry for entry in bot.do("logged"))
    bot.do("launch._command = real")
    assert bot.do("until(lambda: ship.welcome)")
    assert bot.do("ship.flush(10)")
    assert bot.metric("discord_gateway_connects_total") == 10
    assert bot.metric("whisperwatch_watcher_restarts_total") >= 2


def test_a_watcher_that_cannot_run_is_tried_ever_more_rarely_and_said_once(bots: Bots) -> None:
    bot = bots()
    bot.do(REPLACED.format(code="raise SystemExit(3)"))
    bot.do("ship = make_ship(); ship.start(); turning.set()")
    assert bot.do("until(lambda: ship._keeper._pause_s >= 2)")
    said = [entry for entry in bot.do("logged") if "watcher" in entry]
    assert len(said) == 1
    assert "with exit status 3" in said[0]
    assert "python -m whisperwatch.watcher --state-dir" in said[0]
    bot.do("record(5)")
    assert bot.do("ship.stop(0)") is False


def test_no_interpreter_to_start_is_said_and_the_bot_goes_on(bots: Bots) -> None:
    bot = bots()
    bot.do("sys.executable = '/nowhere/python'")
    bot.do("ship = make_ship(); ship.start()")
    assert bot.do("until(lambda: logged)")
    assert "/nowhere/python" in bot.do("logged[0]")


def test_a_hung_watcher_that_is_not_ours_is_only_spoken_of(state: Path, bots: Bots) -> None:
    state.mkdir()
    with socket.socket(socket.AF_UNIX) as deaf, (state / "watcher.lock").open("w") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        deaf.bind(str(state / "watcher.sock"))
        deaf.listen()
        bot = bots()
        bot.do("ship = make_ship(hello_timeout_s=3.0); ship.start()")
        assert bot.do("until(lambda: logged)")
        assert "not ours to kill" in bot.do("logged[0]")
    (state / "watcher.sock").unlink()
    assert bot.do("until(lambda: ship.welcome)")
