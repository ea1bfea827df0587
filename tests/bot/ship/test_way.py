"""A loop gives way to a ship that waits for the GIL, and loses little to one that waits for something else."""

from __future__ import annotations

import threading
import time

from whisperwatch.bot.recording.clock import Clock
from whisperwatch.bot.recording.ended import NEVER, Ended
from whisperwatch.bot.ship.way import Way


def sailing() -> tuple[Ended, Way, threading.Thread]:
    ended = Ended(Clock())
    way, ship = Way(ended), threading.Thread()
    way.open(ship)
    return ended, way, ship


def test_the_ship_that_rests_lets_the_loop_go_on() -> None:
    ended, way, _ = sailing()
    giving = threading.Thread(target=ended.give_way)
    giving.start()
    while giving.is_alive():
        way.rest(0.5)
    before = ended.clock.now()
    way.rest(0.5)
    assert before + 5e8 <= ended.ship_due_ns < ended.clock.now() + 6e8


def test_one_that_does_not_answer_is_given_way_to_ten_times_a_second_at_most() -> None:
    """It may be at something slow that needs no GIL."""
    ended, way, _ = sailing()
    way.rest(0.0)
    given = 0
    until = time.monotonic() + 0.35
    while time.monotonic() < until:
        if ended.clock.now() > ended.ship_due_ns:
            ended.give_way()
            given += 1
    assert 1 <= given <= 4


def test_the_ship_itself_and_one_that_sails_no_more_are_waited_for_by_nobody() -> None:
    ended = Ended(Clock())
    way = Way(ended)
    way.open(threading.current_thread())
    ended.give_way()
    assert ended.ship_due_ns == NEVER
    way.close()
    assert (ended.deferring, ended.ship_due_ns) == (False, NEVER)
    other = Way(ended)
    other.open(threading.Thread())
    way.close()
    assert ended.deferring, "another sails by now"
