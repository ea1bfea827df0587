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


def test_who_comes_while_others_are_aboard_waits_for_a_mark_of_their_own() -> None:
    flushes = Flushes()
    first = flushes.ask()
    flushes.board()
    flushes.mark = (5, 0)
    second = flushes.ask()
    flushes.board()
    flushes.done()
    assert (first.wait(0), second.wait(0)) == (True, False)
    assert flushes.mark is None
    flushes.board()
    assert flushes.aboard
    flushes.done()
    assert second.wait(0)
    assert not flushes.aboard


BUSY = """
def busy():
    while busying.is_set():
        due = time.perf_counter() + 0.0002
        while time.perf_counter() < due:
            pass
        record()
        recorder.logs.put((time.monotonic_ns(), 9, "INFO", "busy", "x", None, 0, 0, 0, None, None, None))
busying = threading.Event(); busying.set()
at_once = threading.Thread(target=busy, daemon=True); at_once.start()
"""


def test_it_is_answered_though_more_is_recorded_without_a_pause(bots: Bots) -> None:
    """What was recorded before is the watcher's then, and what comes meanwhile keeps nobody waiting."""
    bot = bots()
    bot.sail()
    bot.do("record(3000)")
    bot.do(BUSY)
    assert bot.do("until(lambda: recorded > 3100)")
    at_asking = bot.do("recorded")
    assert bot.do("[ship.flush(60) for _ in range(2)]") == [True] * 2
    assert bot.do("recorded") > at_asking, "it went on"
    assert bot.metric('whisperwatch_received_total{signal="spans"') >= at_asking
    assert bot.metric("discord_gateway_connects_total") >= at_asking
    bot.do("busying.clear() or at_once.join()")
    assert bot.do("ship.flush(20)")


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
