"""What goes with a beat is told once: where it could not be sent it goes with the next."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from whisperwatch import tape
from whisperwatch.bot.ship.asking import Asking
from whisperwatch.bot.ship.carrier import Carrier


class Cargo:
    """Takes batches as long as there is somebody to send them to."""

    unacknowledged = seq = 0
    has_points = False

    def __init__(self) -> None:
        self.beats: list[Any] = []

    def take_spans(self, *, packed_only: bool = False) -> int:
        """There are none."""
        return 0

    def batch(self, beat: Any) -> tuple[Any, ...] | None:
        self.beats.append(beat)
        return None if beat is None else (tape.BATCH, len(self.beats))


def test_users_of_a_beat_that_was_not_sent_go_with_the_next() -> None:
    sent: list[bytes] = []
    link = SimpleNamespace(sent=True, push=lambda: None, receive=lambda: (), hold=sent.append)
    keeper: Any = SimpleNamespace(link=None, refused=False, connected=False, expect=lambda: None)
    cargo: Any = Cargo()
    recorder: Any = SimpleNamespace(waiting=False, logs=SimpleNamespace(recorded=0, gone=0))
    calls: Any = SimpleNamespace(frames=lambda: ())
    carrier = Carrier(recorder, cargo, keeper, Asking(lambda: None), calls, lambda _: None)
    users = iter([[1, 2], [2, 3], [4]])

    def carry() -> None:
        carrier.carry(time.monotonic(), lambda: {"users": next(users)})

    carry()
    assert cargo.beats == []
    keeper.link, keeper.connected = link, True
    carry()
    assert cargo.beats[-1]["users"] == [1, 2, 3]
    carry()
    assert cargo.beats[-1]["users"] == [4]
    assert len(sent) == 2


def test_a_carry_that_goes_on_beats_again(monkeypatch: Any) -> None:
    """Else health takes the bot for silent, and its loop for whatever it was when it was last looked at."""
    sent: list[bytes] = []
    link = SimpleNamespace(sent=True, push=lambda: None, receive=lambda: (), hold=sent.append)
    keeper: Any = SimpleNamespace(
        link=link, refused=False, connected=True, expect=lambda: None, check_silence=lambda: None
    )
    cargo: Any = Cargo()
    recorder: Any = SimpleNamespace(
        waiting=1000, logs=SimpleNamespace(recorded=0, gone=0), expect_ship=lambda seconds: None
    )
    calls: Any = SimpleNamespace(frames=lambda: (), ended=())
    carrier = Carrier(recorder, cargo, keeper, Asking(lambda: None), calls, lambda _: None)
    clock = iter(range(10_000))
    monkeypatch.setattr("whisperwatch.bot.ship.carrier.time.monotonic", lambda: next(clock) / 100)
    monkeypatch.setattr("whisperwatch.bot.ship.carrier.time.sleep", lambda seconds: None)
    cargo.take_spans = lambda packed_only=False: 1
    assert not carrier.carry(0.1, lambda: {"users": []}, thorough=True), "there was too much"
    beats = [beat for beat in cargo.beats if beat is not None]
    assert 4 <= len(beats) <= 7
