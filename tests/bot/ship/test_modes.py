"""A thread instead of a process, nothing at all, and no state directory."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from whisperwatch.watcher.web.server import NEXT_PORTS

from .conftest import Bot, Collector, health, is_alive, until

Bots = Callable[..., Bot]
THREADS = "sorted(thread.name for thread in threading.enumerate() if 'whisperwatch' in thread.name)"


def test_by_default_one_thread_is_all(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    assert bot.do(THREADS) == ["whisperwatch-ship"]
    assert bot.do("[name for name in sys.modules if name.startswith('whisperwatch.watcher')]") == []


def test_a_loop_that_gives_way_goes_on_when_the_ship_has_had_its_turn(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    bot.do("setattr(sys.modules['whisperwatch.bot.ship.way'], '_LONGEST_S', 60.0)")
    bot.do("record(5)")
    assert bot.do("recorder.give_way() or recorder.ship_due_ns < time.monotonic_ns() + 10**9")
    bot.do("setattr(sys.modules['whisperwatch.bot.ship.way'], '_LONGEST_S', 0.01)")
    assert bot.do(
        "[ship._way._given.acquire(timeout=0.1) for _ in range(2)] and recorder.give_way() is None"
    )  # again, within
    assert bot.do("ship.stop(10)")
    assert bot.do("until(lambda: recorder.ship_due_ns == sys.maxsize)")


def test_a_loop_gives_way_to_no_ship_that_has_died(bots: Bots) -> None:
    bot = bots()
    bot.sail()
    bot.do("setattr(threading, 'excepthook', lambda arguments: None)")
    bot.do("setattr(ship, '_rest', None)")
    assert bot.do("until(lambda: recorder.ship_due_ns == sys.maxsize and not recorder.deferring)")


def test_thread(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WHISPERWATCH_WATCHER="thread")
    bot.do(
        "from whisperwatch.bot.instrument.libraries.registry import registry; import aiohttp; registry.apply()"
    )
    welcome = bot.sail()
    assert welcome["pid"] == bot.pid
    assert bot.do(THREADS) == ["whisperwatch-ship", "whisperwatch-watcher"]
    bot.do("record(1000)")
    assert bot.do("ship.flush(10)")
    assert bot.metric("discord_gateway_connects_total") == 1000
    assert bot.do("ship.stop(10)")
    assert len(collector.spans) == 1000
    # what the watcher asks is not the bot's doing
    assert bot.do("'aiohttp' in registry.applied")
    assert bot.do("list(recorder.instrument(semconv.HTTP_CLIENT_DURATION)) == []")
    assert bot.do(f"until(lambda: {THREADS} == [])"), bot.do(THREADS)
    assert bot.do("[entry for entry in logged if 'error' in entry.lower()]") == []


def test_another_process_attaches_to_a_thread_and_outlives_it(bots: Bots) -> None:
    one, two = bots(WHISPERWATCH_WATCHER="thread"), bots()
    one.sail()
    assert two.sail()["pid"] == one.pid
    two.do("record(5)")
    assert two.do("ship.flush(10)")
    one.end()
    assert two.do("until(lambda: len(welcomes) == 2)"), two.do("logged")
    assert two.do("welcomes[-1]['pid']") not in (one.pid, two.pid)
    assert two.do("ship.flush(10)")
    assert two.metric("discord_gateway_connects_total") == 5


def test_a_frozen_program_hosts_the_watcher_itself(bots: Bots) -> None:
    bot = bots()
    bot.do("sys.frozen = True")
    assert bot.sail()["pid"] == bot.pid


def test_off(bots: Bots, state: Path) -> None:
    bot = bots(WHISPERWATCH_WATCHER="off")
    bot.do("ship = make_ship(); ship.start(); record(10)")
    assert bot.do(THREADS) == []
    assert bot.do("ship.flush(1)") is True
    assert bot.do("ship.stop(1)") is True
    assert not (state / "watcher.sock").exists()


def test_without_a_state_directory_all_works_but_attaching(bots: Bots) -> None:
    bot = bots(WHISPERWATCH_STATE_DIR="/proc/nowhere")
    first = bot.sail()
    bot.do("record(5)")
    assert bot.do("ship.flush(10)")
    assert bot.metric("discord_gateway_connects_total") == 5
    bot.do("os.kill(ship.welcome['pid'], 9)")
    assert bot.do("until(lambda: len(welcomes) == 2)"), bot.do("logged")
    assert bot.do("ship.stop(10)")
    until(lambda: not is_alive(first["pid"]))


def test_a_long_path_of_the_state_directory_is_no_obstacle(bots: Bots, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6)
    one = bots(WHISPERWATCH_STATE_DIR=str(deep))
    two = bots(WHISPERWATCH_STATE_DIR=str(deep))
    assert one.sail()["pid"] == two.sail()["pid"]


def test_a_busy_port_is_followed_by_the_next_which_is_said(bots: Bots, tmp_path: Path) -> None:
    one = bots()
    url = one.sail()["url"]
    port = int(url.rpartition(":")[2])
    two = bots(WHISPERWATCH_STATE_DIR=str(tmp_path / "another-bot"), HEALTH_CHECK_PORT=str(port))
    other = two.sail()["url"]
    assert port < int(other.rpartition(":")[2]) < port + NEXT_PORTS
    problems = [entry for entry in two.do("logged") if f"port {port}" in entry and "in use" in entry]
    assert len(problems) == 1
    assert f"served at {other}" in problems[0]
    assert len(health(other)["checks"]) > 1
    monitor = health(other, "/health/component/monitor")
    assert any(f"it serves at {other}" in part["text"] for part in monitor["parts"]), monitor
    assert health(url)["checks"]


def test_where_no_port_is_free_the_bot_goes_on_and_the_first_that_is_freed_is_taken(bots: Bots) -> None:
    taken = _neighbours(NEXT_PORTS)
    port = taken[0].getsockname()[1]
    bot = bots(HEALTH_CHECK_PORT=str(port))
    assert bot.sail()["url"] is None
    told = [entry for entry in bot.do("logged") if f"ports {port} to {port + NEXT_PORTS - 1}" in entry]
    assert len(told) == 1
    bot.do("record(10)")
    assert bot.do("ship.flush(10)")
    taken[3].close()
    url = f"http://127.0.0.1:{port + 3}"
    assert bot.do(f"until(lambda: any('served at {url}' in entry for entry in logged))"), bot.do("logged")
    assert health(url)["checks"]
    for one in taken:
        one.close()


def _neighbours(count: int) -> list[socket.socket]:
    """Ports side by side, listened on."""
    for first in range(20_000, 30_000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            ports = range(first, first + count)
            taken = [stack.enter_context(socket.create_server(("127.0.0.1", port))) for port in ports]
            stack.pop_all()
            return taken
    raise RuntimeError("nowhere are so many ports free side by side")
