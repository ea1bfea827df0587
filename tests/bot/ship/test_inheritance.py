"""What the bot's children get of us, which is nothing; and what the watcher gets of the bot, which is what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .conftest import PROGRAM, Bot, Collector, until

Bots = Callable[..., Bot]


def test_a_subprocess_inherits_nothing(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    path = str(PROGRAM.parent)
    listing = f"import sys; sys.path.insert(0, {path!r}); import bot_process as b; print(b.descriptors())"
    bot.do("import subprocess")
    assert any(name.startswith("socket") for name in bot.do("descriptors()"))
    seen = bot.do(f"subprocess.check_output([sys.executable, '-c', {listing!r}], close_fds=False, text=True)")
    assert "socket" not in seen


def test_a_forked_child_is_off_empty_and_ends(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    bot.sail()
    bot.do("record(3)")
    bot.do(
        """
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    said = [descriptors(), ship.welcome, recorder.waiting or recorder.on, ship.stop(1), threading.active_count()]
    os.write(writer, json.dumps(said).encode())
    sys.exit(7)
os.close(writer)
"""
    )
    assert bot.do("until(lambda: os.waitpid(child, os.WNOHANG)[0] == child)"), "the child hangs at its exit"
    here, welcome, on, stopped, threads = bot.do("json.loads(os.read(reader, 65536))")
    assert not [name for name in here if name.startswith("socket")]
    assert (welcome, on, stopped, threads) == (None, False, True, 1)
    bot.do("record(4)")
    assert bot.do("ship.flush(10)")
    assert bot.do("len(welcomes)") == 1
    assert until(lambda: len(collector.spans) == 7)


def test_a_forked_child_can_sail_by_itself(bots: Bots) -> None:
    bot = bots()
    first = bot.sail()
    bot.do(
        """
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    recorder.restart()
    ship.start()
    until(lambda: ship.welcome)
    os.write(writer, json.dumps(ship.welcome).encode())
    ship.stop(5)
    os._exit(0)
os.close(writer)
"""
    )
    second = bot.do("json.loads(os.read(reader, 65536))")
    assert (second["pid"], second["slot"]) == (first["pid"], 1)
    bot.do("os.waitpid(child, 0)")


def test_a_pipe_for_the_bots_stderr_ends_with_the_bot(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r})\n"
        "from bot_process import *\n"
        "ship = make_ship(); ship.start(); assert until(lambda: ship.welcome); os._exit(0)"
    )
    surroundings = {
        **os.environ,
        "WHISPERWATCH_STATE_DIR": str(tmp_path),
        "HEALTH_CHECK_PORT": "0",
        "WHISPERWATCH_LINGER": "5",
    }
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=surroundings, timeout=30, check=True
    )
    took = time.monotonic() - before
    assert (tmp_path / "watcher.sock").exists(), f"the watcher still lingers after {took} s"
    assert done.stderr == b""


def test_the_bots_own_modules_are_not_the_watchers(bots: Bots, tmp_path: Path) -> None:
    home = tmp_path / "bot"
    home.mkdir()
    for name in ("email.py", "uvicorn.py", "settings.py", "yaml.py"):
        (home / name).write_text("raise SystemExit('the bot has its own')")
    bot = bots("-P", popen={"cwd": home})
    bot.do(f"sys.path.insert(0, ''); sys.path.insert(0, {str(home)!r})")
    assert bot.sail()["pid"]


def test_the_distro_of_opentelemetry_instrument_stays_out_of_the_watcher(bots: Bots, tmp_path: Path) -> None:
    instrument = tmp_path / "auto_instrumentation"
    instrument.mkdir()
    (instrument / "sitecustomize.py").write_text(
        "import os\nopen(os.environ['SEEN'], 'a').write('seen\\n')\n"
    )
    seen = tmp_path / "seen"
    bot = bots(PYTHONPATH=str(instrument), SEEN=str(seen))
    bot.sail()
    assert seen.read_text() == "seen\n", "only the bot's process ran it"


def test_flags_of_the_interpreter_are_no_obstacle(bots: Bots) -> None:
    for flags in (("-I",), ("-E", "-s", "-B"), ("-X", "utf8=1", "-X", "dev", "-W", "error"), ("-O", "-u")):
        bot = bots(*flags, PYTHONINSPECT="", PYTHONWARNINGS="error", HEALTH_CHECK_PORT="0")
        assert bot.sail()["pid"], flags
        assert bot.do("ship.stop(10)")
        bot.end()


def test_a_package_that_only_sys_path_knows(bots: Bots, tmp_path: Path) -> None:
    import whisperwatch

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "whisperwatch").symlink_to(Path(whisperwatch.__file__).parent, target_is_directory=True)
    bot = bots()
    bot.do(f"sys.path.insert(0, {str(elsewhere)!r})")
    assert bot.sail()["pid"]
