"""A blocked loop is named: by the ship while Python runs, by faulthandler and the watcher while it doesn't."""

from __future__ import annotations

import time
from collections.abc import Callable

from .conftest import Bot, health, until

Bots = Callable[..., Bot]
BLOCKING = """
def culprit():
    time.sleep({seconds})
turning.clear()
time.sleep(0.05)
pulse.last_turn_ns = time.monotonic_ns()
{call}
pulse.last_turn_ns = time.monotonic_ns()
turning.set()
"""
HOLDING = """
import ctypes
def gil_holder():
    ctypes.PyDLL(None).sleep({seconds})
"""


def check(url: str, name: str) -> str:
    return next((str(c["text"]) for c in health(url)["checks"] if c["check"] == name), "")


def test_a_blocked_loop_is_named_in_health_and_log_and_to_the_trace(bots: Bots) -> None:
    bot = bots()
    url = bot.sail()["url"]
    bot.say(BLOCKING.format(seconds=2, call="culprit()"))
    until(lambda: "culprit" in check(url, "event loop"))
    bot.hear()
    assert bot.do("until(lambda: len(blocked) == 2)")
    (frames, so_far), (_, in_all) = bot.do("blocked")
    assert frames[-1][2] == "culprit"
    assert 0.25 <= so_far < 1.5
    assert 1.9 < in_all < 3
    said = [entry for entry in bot.do("logged") if "culprit" in entry]
    assert len(said) == 1
    assert "was blocked for 2" in said[0]
    until(lambda: "turns" in check(url, "event loop"))


def test_code_that_holds_the_gil_is_named_while_it_does(bots: Bots) -> None:
    bot = bots()
    url = bot.sail()["url"]
    bot.do(HOLDING.format(seconds=5))
    assert bot.do("until(lambda: ship._watchdog._armed)")
    held = time.monotonic()
    bot.say(BLOCKING.format(seconds=5, call="gil_holder()"))
    until(lambda: "gil_holder" in check(url, "event loop"), 4)
    asked = time.monotonic()
    text = check(url, "event loop")
    assert time.monotonic() - asked < 0.1
    assert time.monotonic() - held < 5
    assert "gil_holder" in text
    bot.hear()
    until(lambda: "turns" in check(url, "event loop"))


def test_the_gil_held_by_another_thread_names_that(bots: Bots) -> None:
    bot = bots()
    url = bot.sail()["url"]
    bot.do(HOLDING.format(seconds=4))
    bot.do(
        "import selectors; selector = selectors.DefaultSelector(); pipe = os.pipe(); selector.register(pipe[0], 1)"
    )
    bot.do("threading.Timer(0.3, gil_holder).start()")
    bot.say("selector.select(4)")
    until(lambda: "gil_holder" in check(url, "event loop"), 4)
    bot.hear()


def test_a_hosts_own_timer_of_faulthandler_is_left_alone(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    assert bot.do("until(lambda: ship._watchdog._armed)")
    bot.do("import faulthandler; own = open('/proc/self/fd/' + str(os.memfd_create('own')), 'w+b', 0)")
    bot.do("faulthandler.dump_traceback_later(1.5, file=own)")
    assert bot.do("faulthandler.dump_traceback_later.__module__") == "faulthandler"
    assert bot.do("until(lambda: own.seek(0) or own.read())")
    assert bot.do("ship.flush(5)")


def test_faulthandler_can_be_switched_off(bots: Bots) -> None:
    bot = bots(WHISPERWATCH_FAULTHANDLER="false")
    bot.sail()
    assert bot.do("ship._watchdog.descriptor") is None
    assert bot.do("__import__('faulthandler').dump_traceback_later.__module__") == "faulthandler"


def test_after_the_end_faulthandler_is_as_it_was(bots: Bots) -> None:
    bot = bots()
    bot.do("import faulthandler; before = faulthandler.dump_traceback_later")
    bot.sail()
    assert bot.do("until(lambda: faulthandler.dump_traceback_later != before)")
    assert bot.do("ship.stop(5)")
    assert bot.do("faulthandler.dump_traceback_later is before")
    assert not [name for name in bot.do("descriptors()") if "memfd" in name]
