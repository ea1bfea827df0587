"""A blocked loop is named: by the ship while Python runs, by the watcher from outside while it doesn't."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Bot, health, is_alive, until

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
import ctypes, signal
signal.signal(signal.SIGUSR1, lambda *_: None)
def gil_holder():
    ctypes.PyDLL(None).sleep({seconds})
"""
"""C's sleep, unlike Python's, is over when a signal comes: a test needs to wait no longer than for what it looks at."""
RUNNING = """
def deep(depth):
    return deep(depth - 1) if depth else json.loads('{"a": [1, 2, 3]}')
def run(seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        deep(int(time.monotonic() * 1000) % 40)
"""


def let_go(bot: Bot) -> None:
    """End a `gil_holder` of the main thread."""
    bot.process.send_signal(signal.SIGUSR1)


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
    held = time.monotonic()
    bot.say(BLOCKING.format(seconds=5, call="gil_holder()"))
    until(lambda: "gil_holder" in check(url, "event loop"), 4)
    asked = time.monotonic()
    text = check(url, "event loop")
    assert time.monotonic() - asked < 0.1
    assert time.monotonic() - held < 5
    assert "gil_holder" in text
    let_go(bot)
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


def test_a_hosts_own_timer_of_faulthandler_fires_undisturbed(bots: Bots) -> None:
    bot = bots()
    url = bot.sail()["url"]
    bot.do("import faulthandler; own = open('/proc/self/fd/' + str(os.memfd_create('own')), 'w+b', 0)")
    bot.do("faulthandler.dump_traceback_later(1.5, file=own)")
    bot.do(HOLDING.format(seconds=3))
    bot.say(BLOCKING.format(seconds=3, call="gil_holder()"))
    until(lambda: "gil_holder" in check(url, "event loop"), 3)
    bot.hear()
    assert "gil_holder" in bot.do("own.seek(0) or own.read().decode()")
    assert bot.do("faulthandler.dump_traceback_later.__module__") == "faulthandler"


def test_a_stopped_bot_lives_on_and_no_timer_of_ours_runs_in_it(bots: Bots) -> None:
    bot = bots()
    bot.do(
        "import faulthandler; armed = []; faulthandler.dump_traceback_later = lambda *a, **n: armed.append(a)"
    )
    bot.sail()
    bot.do(RUNNING)
    bot.say("run(7)")
    for _ in range(3):
        time.sleep(0.3)
        bot.process.send_signal(signal.SIGSTOP)
        time.sleep(1.8)
        bot.process.send_signal(signal.SIGCONT)
    bot.hear()
    assert bot.do("armed") == []
    assert bot.do("len(os.listdir('/proc/self/task')) - threading.active_count()") == 0
    assert bot.do("ship.flush(5)")


def test_reading_from_outside_can_be_switched_off(bots: Bots) -> None:
    bot = bots(WHISPERWATCH_READ_STACKS="false")
    url = bot.sail()["url"]
    bot.do(HOLDING.format(seconds=3))
    bot.say(BLOCKING.format(seconds=3, call="gil_holder()"))
    until(lambda: "GIL" in check(url, "event loop"), 3)
    held = time.monotonic()
    while time.monotonic() < held + 1.5:
        text = check(url, "event loop")
        assert text.endswith("C code is likely to hold the GIL.")
        assert "gil_holder" not in text
        time.sleep(0.1)
    let_go(bot)
    bot.hear()


@pytest.mark.parametrize(
    ("setting", "options", "names"),
    [("true", {}, True), ("false", {}, False), ("true", {"mode": "thread"}, False)],
)
def test_a_watcher_that_may_read_is_named_to_the_system(
    bots: Bots, setting: str, options: dict[str, str], names: bool
) -> None:
    bot = bots(WHISPERWATCH_READ_STACKS=setting)
    bot.do("from whisperwatch.bot.ship import permission; named = []; permission.let_read = named.append")
    welcome = bot.sail(**options)
    assert bot.do("named") == ([welcome["pid"]] if names else [])


ODD = {
    "echo 'Error: Failed to find python version from target process' >&2; exit 1": "py-spy failed: Failed to find "
    "python version from target process.",
    "echo 'Permission Denied: Try running again' >&2; exit 1": "the system doesn't let the watcher read the memory of "
    "the bot's process",
    "echo '[{]'": "py-spy's answer can't be understood.",
    "kill -SEGV $$": "py-spy failed.",
    "exec sleep 60": "py-spy took more than 3 s.",
}


@pytest.mark.parametrize("script", ODD)
def test_health_says_why_code_that_holds_the_gil_is_not_named(
    bots: Bots, tmp_path: Path, script: str
) -> None:
    pids = tmp_path / "pids"
    bot = bots(PYTHONPATH=str(a_py_spy(tmp_path, f"echo $$ >> {pids}; {script}")))
    url = bot.sail()["url"]
    bot.do(HOLDING.format(seconds=6))
    held = time.monotonic()
    bot.say(BLOCKING.format(seconds=6, call="gil_holder()"))
    until(lambda: "Where can't be read" in check(url, "event loop"), 6)
    assert f"hold the GIL. Where can't be read: {ODD[script]}" in check(url, "event loop")
    assert health(url)["status"] == "degraded"
    time.sleep(max(0.0, held + 2.5 - time.monotonic()))  # it is asked again
    let_go(bot)
    bot.hear()
    seconds = time.monotonic() - held
    until(lambda: "turns" in check(url, "event loop"))
    until(lambda: not [pid for pid in pids.read_text().split() if is_alive(int(pid))])
    assert len(pids.read_text().split()) - 1 <= seconds, "once a second at most"


def a_py_spy(folder: Path, script: str) -> Path:
    """A folder for `PYTHONPATH` with the script as the program of the distribution py-spy."""
    packages = folder / "packages"
    about = packages / "py_spy-9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: py-spy\nVersion: 9\n")
    (about / "RECORD").write_text("bin/py-spy,,\n")
    program = packages / "bin" / "py-spy"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return packages
