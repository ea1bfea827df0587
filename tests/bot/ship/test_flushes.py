from __future__ import annotations

from collections.abc import Callable

from whisperwatch.bot.ship.flushes import Flushes

from .conftest import Bot

Bots = Callable[..., Bot]


def test_a_turn_answers_those_that_asked_before_it_began() -> None:
    flushes = Flushes()
    early = flushes.ask()
    flushes.board()
    late = flushes.ask()
    flushes.done()
    assert early.wait(0)
    assert not late.wait(0), "this turn may have looked at the recorder before what it waits for was recorded"
    assert flushes
    flushes.board()
    flushes.done()
    assert late.wait(0)
    assert not flushes


def test_who_waits_longer_than_a_turn_is_answered_by_the_next() -> None:
    flushes = Flushes()
    flush = flushes.ask()
    flushes.board()
    flushes.board()
    assert not flush.wait(0)
    flushes.done()
    assert flush.wait(0)


def test_the_end_answers_everybody_at_once_also_who_asks_later() -> None:
    flushes = Flushes()
    aboard = flushes.ask()
    flushes.board()
    asked = flushes.ask()
    flushes.close()
    waiting = [aboard, asked, flushes.ask()]
    assert [flush._answered.is_set() for flush in waiting] == [True] * 3
    assert [flush.wait(0) for flush in waiting] == [False] * 3
    assert not flushes


def test_nothing_is_flushed_before_a_watcher_has_answered(bots: Bots) -> None:
    bot = bots()
    bot.do("from whisperwatch.bot.ship import launch; launch._command = lambda *_: ['sleep', '30']")
    bot.do("ship = make_ship(hello_timeout_s=20.0); ship.start(); record(10)")
    assert bot.do("until(lambda: ship._keeper.link is not None)")
    assert bot.do("ship.flush(0.5)") is False
    bot.do("os.kill(ship._keeper._access.pid, 9)")


def test_a_flush_after_the_end_is_answered_at_once(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    assert bot.do("ship.stop(10)")
    assert bot.do("ship.flush(10**6)") is False


def test_a_flush_of_a_ship_that_is_refused_is_answered_at_once(bots: Bots) -> None:
    bot = bots()
    bot.do("from whisperwatch import tape; tape.VERSION = 99; ship = make_ship(); ship.start()")
    assert bot.do("until(lambda: ship._keeper.refused)")
    assert bot.do("ship.flush(10**6)") is False


def test_a_ship_that_has_stopped_is_collected_no_more(bots: Bots) -> None:
    bot = bots()
    before = bot.do("len(recorder.collectors)")
    bot.sail()
    assert bot.do("len(recorder.collectors)") == before + 1
    assert bot.do("ship.stop(10)")
    assert bot.do("len(recorder.collectors)") == before
