"""A collector that dies and returns, a watcher that is killed, a bot that is started again: what becomes of what was
recorded, counted from end to end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bot, Collector, health, until

Bots = Callable[..., Bot]
KNOWN_SAFE = "ship._cargo.ashore and ship._cargo.waiting._taken == ship._cargo.waiting._passed"
DIED = "recorder.instrument(semconv.SELF_DROPPED).find({'signal': 'spans', 'reason': 'watcher_died'}).value"


@pytest.fixture
def collectors() -> Iterator[Callable[[int], Collector]]:
    made: list[Collector] = []

    def make(port: int = 0) -> Collector:
        made.append(Collector(port))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


def export_of(bot: Bot) -> dict[str, Any]:
    """What health says of the export."""
    checks = health(bot.do("welcomes[-1]['url']"))["checks"]
    return dict(next(check for check in checks if check["check"] == "telemetry export"))


def kill_watcher(bot: Bot) -> None:
    """And wait for the next one."""
    welcomes = bot.do("len(welcomes)")
    os.kill(bot.do("welcomes[-1]['pid']"), signal.SIGKILL)
    assert bot.do(f"until(lambda: len(welcomes) > {welcomes})")


def test_nothing_is_lost_by_an_outage_a_killed_watcher_and_a_new_bot(
    bots: Bots, collectors: Callable[..., Collector], state: Path
) -> None:
    collector = collectors()
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    bot.sail()
    bot.do("record(1000)")
    until(lambda: len(collector.spans) == 1000)
    collector.close()

    bot.do("record(3000)")
    assert bot.do(f"until(lambda: {KNOWN_SAFE})")
    said = export_of(bot)
    assert said["status"] == "degraded"
    assert "Is the collector running" in said["text"]
    assert "wait on the disk" in said["text"]
    kill_watcher(bot)
    bot.do("record(2000)")
    assert bot.do(f"until(lambda: {KNOWN_SAFE})")
    assert bot.do(DIED) == 0
    assert bot.do("ship.stop(10)"), "the farewell comes though the collector is away"
    bot.end()
    assert list((state / "spool").iterdir())

    again = collectors(collector.port)
    later = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    later.sail()
    until(lambda: len(again.spans) == 5000)
    assert sorted([*collector.spans, *again.spans]) == list(range(1, 6001)), "each of them once"
    until(lambda: export_of(later)["status"] == "healthy")
    until(lambda: not [path for path in (state / "spool").iterdir() if path.suffix == ".spans"])


def test_the_return_is_noticed_and_said(
    bots: Bots, collectors: Callable[..., Collector], unused_tcp_port: int
) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{unused_tcp_port}")
    bot.sail()
    bot.do("record(500)")
    until(lambda: export_of(bot)["status"] == "degraded")
    collector = collectors(unused_tcp_port)
    until(lambda: len(collector.spans) == 500)
    until(lambda: export_of(bot)["status"] == "healthy")
    assert bot.do("until(lambda: any('spans are exported again' in entry for entry in logged))")


def test_killed_again_and_again_what_is_missing_is_counted(
    bots: Bots, collectors: Callable[..., Collector], unused_tcp_port: int
) -> None:
    """A thousand spans a second; three watchers die at moments that nobody has chosen."""
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{unused_tcp_port}")
    bot.sail()
    bot.do("emitting.set()")
    for seconds in (0.7, 1.1, 0.9):
        time.sleep(seconds)
        kill_watcher(bot)
    collector = collectors(unused_tcp_port)
    until(lambda: len(collector.spans) > 100)
    kill_watcher(bot)  # while it is sent
    bot.do("emitting.clear()")
    recorded = bot.do("recorded")
    assert bot.do("ship.flush(20)")
    assert bot.do("until(lambda: ship._cargo.waiting._taken == ship._cargo.waiting._passed)")
    died = bot.do(DIED)
    until(lambda: len(collector.spans) + died >= bot.do("recorded"))
    assert len(collector.spans) > recorded / 2
    assert set(collector.spans) <= set(range(1, bot.do("recorded") + 1))


def test_a_disk_that_cannot_be_written_costs_the_bot_nothing(
    bots: Bots, collectors: Callable[..., Collector], unused_tcp_port: int, state: Path
) -> None:
    state.mkdir()
    (state / "spool").write_text("in the way")
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{unused_tcp_port}")
    bot.sail()
    bot.do("record(2000)")
    until(lambda: "can't be written" in export_of(bot)["text"])
    assert bot.do("until(lambda: any('spool' in entry and 't be written' in entry for entry in logged))")
    collector = collectors(unused_tcp_port)
    until(lambda: len(collector.spans) == 2000)
