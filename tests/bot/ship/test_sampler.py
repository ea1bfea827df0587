from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest

from whisperwatch.bot import guard
from whisperwatch.bot.ship.sampler import Frames, Sampler, frames_of, place


class Loop:
    """A thread that sits in a function until it is told to go on."""

    last_turn_ns = 0

    def __init__(self) -> None:
        self._go = threading.Event()
        self._thread = threading.Thread(target=self.deep, args=(30,))
        self._thread.start()
        assert self._thread.ident is not None
        self.thread_id = self._thread.ident

    def deep(self, levels: int) -> None:
        if levels:
            self.deep(levels - 1)
        else:
            self._go.wait()

    def blocked_for(self, seconds: float) -> None:
        self.last_turn_ns = time.monotonic_ns() - int(seconds * 1e9)

    def end(self) -> None:
        self._go.set()
        self._thread.join()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.end()


def test_a_loop_that_turns_has_no_frames(loop: Loop) -> None:
    loop.blocked_for(0.1)
    assert Sampler(loop, 0.25).look() == (loop.last_turn_ns, None)


def test_without_a_loop_there_is_nothing_to_see(loop: Loop) -> None:
    assert Sampler(None, 0.25).look() is None
    assert Sampler(loop, 0.25).look() is None  # it hasn't begun


def test_it_tells_when_a_loop_would_count_as_blocked(loop: Loop) -> None:
    sampler = Sampler(loop, 0.25)
    assert Sampler(None, 0.25).blocked_in_s() == sampler.blocked_in_s() == math.inf
    loop.blocked_for(0.1)
    assert 0.1 < sampler.blocked_in_s() <= 0.15
    loop.blocked_for(0.3)
    assert sampler.blocked_in_s() <= 0
    sampler.look()
    loop.blocked_for(0.0)
    assert sampler.blocked_in_s() == 0, "an episode's end is to be told of soon"
    sampler.look()
    assert sampler.blocked_in_s() > 0


def test_a_blocked_loop_shows_its_own_innermost_frames(loop: Loop) -> None:
    loop.blocked_for(0.3)
    seen = Sampler(loop, 0.25).look()
    assert seen is not None
    turned, frames = seen
    assert turned == loop.last_turn_ns
    assert frames is not None
    assert len(frames) == 12
    assert frames[-1][0] == __file__  # and not threading.py, in which it waits
    assert frames[-1][2].endswith("deep")


def test_an_episode_is_told_and_logged_once(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[Frames, float]] = []
    sampler = Sampler(loop, 0.25, lambda frames, seconds: told.append((frames, seconds)))
    loop.blocked_for(1)
    for _ in range(5):
        sampler.look()
        sampler.speak()
    assert len(told) == 1
    assert caplog.records == []
    loop.blocked_for(0)
    sampler.look()
    sampler.look()
    assert [round(seconds) for _, seconds in told] == [1, 1]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"{__file__}:" in caplog.text
    assert "deep" in caplog.text


def test_one_that_lasts_is_logged_while_it_lasts(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    sampler = Sampler(loop, 0.25)
    loop.blocked_for(6)
    for _ in range(3):
        sampler.look()
        sampler.speak()
    assert [record.message.split(",")[0] for record in caplog.records] == ["the event loop is blocked"]
    loop.blocked_for(0)
    sampler.look()
    assert "turns again after 6" in caplog.records[-1].message


def test_a_loop_blocked_in_logging_is_not_logged_meanwhile(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    sampler = Sampler(loop, 0.25)
    loop.blocked_for(6)
    sampler.look()
    sampler._frames = ((logging.__file__, 1, "emit"),)
    sampler.speak()
    assert caplog.records == []


def test_a_callback_that_fails_is_ours_to_bear(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(frames: Frames, seconds: float) -> None:
        raise RuntimeError

    monkeypatch.setattr(guard, "counts", {})
    loop.blocked_for(1)
    assert Sampler(loop, 0.25, fail).look() is not None
    assert guard.counts == {"ship.on_blocked": 1}


def test_a_thread_without_own_code_shows_the_libraries() -> None:
    queue: Queue[None] = Queue()
    thread = threading.Thread(target=queue.get)
    thread.start()
    assert thread.ident is not None
    frames = frames_of(thread.ident)
    queue.put(None)
    thread.join()
    assert frames
    assert all("site-packages" not in file for file, _, _ in frames)


def test_a_thread_that_is_gone() -> None:
    assert frames_of(1) == ()
    assert place(()) == "an unknown place"
