from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from typing import Any

import psutil
import pytest

from whisperwatch.watcher.health.judging import Components, Options
from whisperwatch.watcher.health.report import Component
from whisperwatch.watcher.health.watch import FRESH_S, HealthWatch


def statuses(watch: HealthWatch) -> dict[str, str]:
    return {check.name: check.status for check in watch.report().checks}


async def test_a_report_is_made_anew_only_when_it_is_old(world: Any) -> None:
    watch = HealthWatch(lambda: [world.source()], now=world.clock)
    first = await watch.look()
    world.clock.pass_(FRESH_S / 2)
    assert await watch.look() is first
    world.clock.pass_(FRESH_S)
    assert await watch.look() is not first


async def test_a_clock_that_was_set_back_does_not_freeze_the_report(world: Any) -> None:
    watch = HealthWatch(lambda: [world.source()], now=world.clock)
    first = await watch.look()
    world.clock.unix -= 3600
    assert await watch.look() is not first


def test_nobody_there(world: Any) -> None:
    report = HealthWatch(list, now=world.clock).report()
    assert report.status == "unhealthy"
    assert report.not_ready == ["No bot has attached to this watcher yet."]
    assert report.not_live(60) == []


def test_wrong_settings_degrade(world: Any) -> None:
    watch = HealthWatch(lambda: [world.source()], ["X should be y"], now=world.clock)
    assert watch.report().status == "degraded"


def test_settings_that_are_right_again_heal(world: Any) -> None:
    watch = HealthWatch(lambda: [world.source()], ["X should be y"], now=world.clock)
    assert watch.report().status == "degraded"
    watch.settings_are([])
    assert watch.report().status == "healthy"


def test_changes_are_logged_once(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    source = world.source()
    watch = HealthWatch(lambda: [source], now=world.clock)
    with caplog.at_level(logging.INFO, "whisperwatch.health"):
        watch.report()
        assert caplog.messages == []
        source.connected, source.ended = False, world.ended()
        watch.report()
        watch.report()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "bot process is unhealthy: The bot's process has ended: killed by signal 9 (SIGKILL)."),
    ]


async def test_a_watcher_that_stood_still_reads_the_beats_that_came_before_it_judges(world: Any) -> None:
    source = world.source()
    world.clock.pass_(60)
    beat = world.beat()

    async def receive() -> None:
        source.beat, source.beat_received_ns = beat, world.clock.ns()

    watch = HealthWatch(lambda: [source], now=world.clock)
    looking = asyncio.create_task(watch.look())
    receiving = asyncio.create_task(receive())
    assert (await looking).status == "healthy"
    await receiving


async def test_it_looks_by_itself(world: Any) -> None:
    looked = asyncio.Event()

    def sources() -> list[Any]:
        looked.set()
        return [world.source()]

    running = asyncio.create_task(HealthWatch(sources, now=world.clock).run(3600))
    await asyncio.wait_for(looked.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_failed_look_does_not_end_it(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    tries = 0
    again = asyncio.Event()

    def sources() -> list[Any]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise KeyError("loop")
        again.set()
        return []

    running = asyncio.create_task(HealthWatch(sources, now=world.clock).run(0))
    await asyncio.wait_for(again.wait(), 5)
    running.cancel()
    assert "health could not be looked at" in caplog.text


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP here")
def test_a_really_stopped_process_is_called_so(world: Any) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
        source = world.source(pid=child.pid, beat_received_ns=world.clock.ns(3))
        watch = HealthWatch(lambda: [source], now=world.clock)
        assert statuses(watch)["bot process"] == "unhealthy"
        assert "is stopped" in watch.report().checks[0].text
    finally:
        child.kill()
        child.communicate()
    source.connected = False
    assert statuses(watch)["bot process"] == "unhealthy"
    assert watch.report().checks[0].text == "The bot's process is gone."


class Judge:
    """Stands where `judging.Components` does, and says what the test wants."""

    options = Options()

    def __init__(self, *components: Component) -> None:
        self.components = components

    def judge(self, *_: Any) -> tuple[Component, ...]:
        return self.components


def test_changes_of_components_are_logged_once(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    judge = Judge(Component("database", "healthy", "Well."))
    watch = HealthWatch(lambda: [world.source()], components=judge, now=world.clock)  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO, "whisperwatch.health"):
        watch.report()
        judge.components = (Component("database", "unhealthy", "Redis hangs."),)
        watch.report()
        watch.report()
        judge.components = (Component("database", "healthy", "Well."),)
        watch.report()
    assert [(r.levelname, r.name, r.message) for r in caplog.records] == [
        ("ERROR", "whisperwatch.health.components", "database is unhealthy: Redis hangs."),
        ("INFO", "whisperwatch.health.components", "database is healthy: Well."),
    ]


def test_what_the_gateway_check_says_discord_does_not_say_again(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = world.source()
    watch = HealthWatch(lambda: [source], components=Components(list, lambda: [source]), now=world.clock)
    with caplog.at_level(logging.INFO, "whisperwatch.health"):
        watch.report()
        world.clock.pass_(5)
        source.beat = world.beat(shards={0: False})
        source.beat_received_ns = world.clock.ns()
        watch.report()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["gateway is degraded"]


async def test_an_answer_as_plain_data(world: Any) -> None:
    judge = Judge(Component("database", "healthy", "Well."))
    watch = HealthWatch(lambda: [world.source()], components=judge, now=world.clock)  # type: ignore[arg-type]
    assert (await watch.answer())["components"][0] == {
        "component": "database",
        "status": "healthy",
        "reason": "Well.",
    }
    assert (await watch.answer(detailed=True))["components"][0]["critical"] is False
    assert (await watch.answer("database"))["reason"] == "Well."
    with pytest.raises(KeyError, match="heart"):
        await watch.answer("heart")


async def test_where_it_is_off_it_says_by_what(world: Any) -> None:
    watch = HealthWatch(list, off="Health is off by HEALTH_CHECK_ENABLED=false.", now=world.clock)
    assert await watch.answer() == {"off": "Health is off by HEALTH_CHECK_ENABLED=false."}
