"""The tape's journey from a real bot's process to a real watcher's, and what may happen on the way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Bot, Collector, health, is_alive, metric, state_of, until

Bots = Callable[..., Bot]
RECORDED = "discord_gateway_connects_total"
NEVER_IDLE = """
async def feed(spans):
    for _ in range(spans // 20):
        record(20)
        await asyncio.sleep(0)
asyncio.run(feed(20_000))
"""


def test_all_that_was_recorded_arrives(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    welcome = bot.sail()
    assert welcome["pid"] != bot.pid
    assert (welcome["slot"], welcome["restarts"], welcome["problems"]) == (0, 0, [])
    bot.do("record(1000)")
    assert bot.do("ship.flush(10)")
    assert bot.metric(RECORDED) == 1000
    assert until(lambda: len(collector.spans) == 1000)
    assert sorted(collector.spans) == list(range(1, 1001))


def test_a_loop_that_never_idles_loses_nothing(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    bot.sail()
    bot.do(NEVER_IDLE)
    assert bot.do("ship.stop(20)"), bot.do("logged")
    assert len(collector.spans) >= 0.999 * 20_000


def test_a_bot_killed_loses_at_most_its_last_second(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    url = bot.sail()["url"]
    bot.do("emitting.set()")
    until(lambda: len(collector.spans) > 500)
    killed = time.time()
    bot.process.kill()
    assert "signal 9" in until(lambda: [c["text"] for c in health(url)["checks"] if "killed" in c["text"]])[0]
    bot.process.wait()  # before Linux 6.15 nobody else knows how it ended any more
    until(lambda: max(collector.spans.values()) > killed - 1)
    numbers = sorted(collector.spans)
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_watcher_killed_loses_no_metric_and_counts_its_spans(bots: Bots, collector: Collector) -> None:
    # the batches of this watcher stay open, so that some spans die with it
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="2s")
    first = bot.sail()["pid"]
    bot.do("emitting.set()")
    until(lambda: bot.metric(RECORDED) > 300)
    os.kill(first, signal.SIGKILL)
    assert bot.do("until(lambda: len(welcomes) == 2)")
    assert not is_alive(first), "it was reaped"
    bot.do("emitting.clear()")
    time.sleep(0.01)
    recorded = bot.do("recorded")
    assert bot.do("ship.flush(10)")
    assert bot.metric(RECORDED) == recorded
    assert bot.metric("whisperwatch_watcher_restarts_total") == 1
    lost = bot.metric('whisperwatch_dropped_total{reason="watcher_died",signal="spans"}')
    assert 0 < lost < recorded
    assert bot.do("ship.stop(10)")
    assert until(lambda: len(collector.spans) + lost >= recorded)
    assert "the connection to the watcher is lost" in bot.do("logged[0]")


def test_a_count_is_born_once_also_under_two_watchers(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_METRIC_EXPORT_INTERVAL="50ms")
    first = bot.sail()["pid"]
    bot.do("record(5)")
    until(lambda: 5 in [value for _, value in collector.connects])
    os.kill(first, signal.SIGKILL)
    assert bot.do("until(lambda: len(welcomes) == 2)")
    bot.do("record(1)")
    until(lambda: 6 in [value for _, value in collector.connects])
    values = [value for _, value in collector.connects]
    assert (values[0], values.count(0)) == (0, 1)
    assert collector.connects == sorted(set(collector.connects)), "each is newer than the one before"
    assert values == sorted(values), "no 0 after it has counted"


def test_a_stopped_watcher_holds_nobody_up(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WHISPERWATCH_TAPE_BYTES="256KB")
    watcher = bot.sail()["pid"]
    os.kill(watcher, signal.SIGSTOP)
    bot.do("recorded_before = recorded; emitting.set()")
    assert bot.do("until(lambda: ship.lost_spans > 500)")
    turned = bot.do("pulse.last_turn_ns")
    assert bot.do("time.monotonic_ns()") - turned < 0.25e9
    assert bot.do("ship._cargo.waiting.size") < 300 * 1024
    os.kill(watcher, signal.SIGCONT)
    bot.do("emitting.clear()")
    assert bot.do("ship.flush(20)")
    lost, recorded = bot.do("ship.lost_spans"), bot.do("recorded")
    assert bot.metric('whisperwatch_dropped_total{reason="tape_full",signal="spans"}') <= lost
    assert until(lambda: len(collector.spans) == recorded - lost)
    assert bot.do("len(welcomes)") == 1


def test_a_goodbye_is_no_crash(bots: Bots, collector: Collector, state: Path) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    welcome = bot.sail()
    bot.do("record(3000)")
    assert bot.do("ship.stop(10, 'closed by the test')")
    assert len(collector.spans) == 3000
    until(lambda: any("closed by the test" in check["text"] for check in health(welcome["url"])["checks"]), 2)
    until(lambda: not is_alive(welcome["pid"]))  # no orphan, and no zombie, for the bot still lives
    assert bot.process.poll() is None
    assert not (state / "watcher.sock").exists()


def test_stopping_without_waiting_goes_on_and_can_be_waited_for(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    bot.sail()
    bot.do("record(100); before = time.monotonic(); ship.stop(0); took = time.monotonic() - before")
    assert bot.do("took") < 0.05
    assert bot.do("ship.stop(10)")
    assert len(collector.spans) == 100


def test_a_goodbye_at_exit_delivers(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    bot.sail()
    bot.do("import atexit; atexit.register(lambda: ship.stop(5, 'exit'))")
    bot.do("record(500)")
    bot.say("sys.exit(0)")
    assert bot.process.wait(20) == 0
    assert len(collector.spans) == 500


def test_a_new_ship_after_a_stop_finds_the_lingering_watcher(bots: Bots) -> None:
    bot = bots()
    first = bot.sail()
    bot.do("record(10)")
    assert bot.do("ship.stop(10)")
    second = bot.sail()
    assert (second["pid"], second["instance"], second["restarts"]) == (first["pid"], first["instance"], 0)
    bot.do("record(10)")
    assert bot.do("ship.flush(10)")
    assert bot.metric(RECORDED) == 20


def test_an_orphan_ends_after_its_linger_time(bots: Bots, state: Path) -> None:
    bot = bots(WHISPERWATCH_LINGER="1s")
    welcome = bot.sail()
    bot.process.kill()
    bot.process.wait()
    ended = time.monotonic()
    until(lambda: health(welcome["url"])["status"] == "unhealthy", 0.9)
    until(lambda: not is_alive(welcome["pid"]) or state_of(welcome["pid"]) == "Z")
    assert time.monotonic() - ended > 0.9
    assert not (state / "watcher.sock").exists()


def test_the_processes_of_a_bot_share_a_watcher_and_keep_their_slots(bots: Bots) -> None:
    one, two = bots(), bots()
    first, second = one.sail(), two.sail()
    assert first["pid"] == second["pid"]
    assert (first["slot"], second["slot"]) == (0, 1)
    assert second["instance"] == f"{first['instance']}-1"
    two.process.kill()
    two.process.wait()
    again = bots().sail()
    assert (again["slot"], again["instance"], again["restarts"]) == (1, second["instance"], 1)
    assert one.do("welcomes[-1]['restarts']") == 0


def test_an_instance_id_that_is_given_is_still_one_for_each_process(bots: Bots, collector: Collector) -> None:
    given = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-7",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    one, two = bots(**given), bots(**given)
    assert [bot.sail()["instance"] for bot in (one, two)] == ["pod-7", "pod-7-1"]
    for bot in (one, two):
        bot.do("record(1)")
        assert bot.do("ship.flush(10)")
    until(lambda: b"pod-7-1" in collector.received)


def test_two_that_start_at_once_start_one_watcher(bots: Bots) -> None:
    started = [bots() for _ in range(4)]
    for bot in started:
        bot.do("1")  # it is up
    for bot in started:
        bot.say("ship = make_ship(); ship.start()")
    for bot in started:
        bot.hear()
        assert bot.do("until(lambda: ship.welcome)")
    assert len({bot.do("ship.welcome['pid']") for bot in started}) == 1
    assert sorted(bot.do("ship.welcome['slot']") for bot in started) == [0, 1, 2, 3]
    assert [bot.do("logged") for bot in started] == [[]] * 4


def test_when_their_watcher_dies_all_find_the_next(bots: Bots) -> None:
    one, two = bots(), bots()
    first = one.sail()
    two.sail()
    one.do("record(7)")
    two.do("record(5)")
    os.kill(first["pid"], signal.SIGKILL)
    for bot in (one, two):
        assert bot.do("until(lambda: len(welcomes) == 2)"), bot.do("logged")
        assert bot.do("ship.flush(10)")
    again = [bot.do("welcomes[-1]") for bot in (one, two)]
    assert again[0]["pid"] == again[1]["pid"] != first["pid"]
    assert [(w["slot"], w["restarts"]) for w in again] == [(0, 0), (1, 0)]


def test_a_watcher_asked_to_end_ends_in_order(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="60s")
    watcher = bot.sail()["pid"]
    bot.do("record(50)")
    assert bot.do("ship.flush(10)")
    os.kill(watcher, signal.SIGTERM)
    until(lambda: len(collector.spans) == 50)
    assert bot.do("until(lambda: len(welcomes) == 2)")


@pytest.mark.parametrize("group", [signal.SIGINT])
def test_ctrl_c_in_the_terminal_is_the_bots(bots: Bots, group: signal.Signals) -> None:
    bot = bots(popen={"start_new_session": True})
    watcher = bot.sail()["pid"]
    bot.do("signal = __import__('signal'); signal.signal(signal.SIGINT, lambda *_: logged.append('ctrl-c'))")
    os.killpg(bot.pid, group)
    assert bot.do("until(lambda: 'ctrl-c' in logged)")
    bot.do("record(10)")
    assert bot.do("ship.flush(10)")
    assert bot.do("ship.welcome['pid']") == watcher
    assert is_alive(watcher)


def test_metrics_of_a_dead_bot_are_not_served_on(bots: Bots) -> None:
    bot = bots(WHISPERWATCH_LINGER="3s")
    url = bot.sail()["url"]
    bot.do("record(5)")
    assert bot.do("ship.flush(10)")
    assert metric(url, RECORDED) == 5
    bot.process.kill()
    bot.process.wait()
    until(lambda: metric(url, RECORDED) != 5)


def test_secrets_of_a_process_that_attaches_are_known_too(bots: Bots) -> None:
    one = bots()
    two = bots(LLM_API_KEY="only the second knows it")
    one.sail()
    assert two.sail()["pid"] == one.do("ship.welcome['pid']")
    attributes = "{semconv.BOT_NAME: 'as only the second knows it', semconv.SHARD: 0}"
    two.do(f"recorder.instrument(semconv.GATEWAY_CONNECTS).find({attributes}).add(7)")
    assert two.do("ship.flush(10)")
    assert two.metric(RECORDED + '{bot_name="as [redacted:secret]"') == 7
