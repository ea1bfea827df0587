"""The journey of log records from a real bot's process, through a real watcher's, to a real collector and a file."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Bot, Collector, until

Bots = Callable[..., Bot]
HEAR = "from whisperwatch.bot.instrument.logs import hearing; import logging.config; hearing.start()"
QUIET = {"OTEL_BLRP_SCHEDULE_DELAY": "50ms"}
LOST = 'whisperwatch_dropped_total{reason="%s",signal="logs"}'


def bodies(collector: Collector) -> list[str]:
    return [log.body.string_value for log in collector.logs]


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_what_the_bot_logs_arrives_whatever_it_configures(
    bots: Bots, collector: Collector, mode: str
) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WHISPERWATCH_WATCHER=mode, **QUIET)
    bot.do(HEAR)
    bot.sail()
    for number, configure in enumerate(
        (
            "logging.config.dictConfig({'version': 1, 'root': {'level': 'INFO'}})",
            "logging.basicConfig(force=True, level=logging.INFO, stream=open(os.devnull, 'w'))",
            "logging.root.handlers.clear()",
            "import discord; discord.utils.setup_logging(handler=logging.NullHandler())",
        )
    ):
        bot.do(configure)
        bot.do(f"logging.getLogger('bot').info('number %d', {number})")
    assert bot.do("ship.flush(10)")
    until(lambda: len(collector.logs) == 4)
    assert bodies(collector) == [f"number {number}" for number in range(4)]
    log = collector.logs[0]
    assert (log.severity_number, log.severity_text) == (9, "INFO")
    assert 0 <= log.observed_time_unix_nano - log.time_unix_nano < 10e9
    assert bot.do("ship.stop(10)")
    assert len(collector.logs) == 4, "nothing came twice, and nothing of ours"


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_loguru_arrives(bots: Bots, collector: Collector, mode: str) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WHISPERWATCH_WATCHER=mode, **QUIET)
    bot.do(HEAR)
    bot.do("from whisperwatch.bot.instrument.libraries.registry import registry; registry.apply()")
    bot.do("from loguru import logger")
    bot.sail()
    bot.do("logger.remove()")
    bot.do("logger.error('by {}', 'loguru')")
    assert bot.do("ship.flush(10)")
    until(lambda: collector.logs)
    assert bodies(collector) == ["by loguru"]


def test_a_flood_of_debug_never_evicts_an_error(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **QUIET)
    bot.do(HEAR)
    bot.do("logging.root.handlers[:] = [logging.NullHandler()]; logging.root.setLevel(logging.DEBUG)")
    bot.do("logging.getLogger('bot').error('the first error')")
    bot.do("for n in range(50_000): logging.getLogger('bot').debug('flood')")
    bot.do("logging.getLogger('bot').error('the last error')")
    bot.sail()
    assert bot.do("ship.flush(20)")
    until(lambda: "the last error" in bodies(collector))
    counted = Counter(bodies(collector))
    assert (counted["the first error"], counted["the last error"]) == (1, 1)
    until(lambda: bot.metric('whisperwatch_recorded_total{signal="logs"}') == 50_002)
    lost = bot.metric(LOST % "queue_full")
    assert until(lambda: len(collector.logs) == 50_002 - lost)


def test_a_watcher_killed_counts_the_logs_that_die_with_it(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BLRP_SCHEDULE_DELAY="60s")
    bot.do(HEAR)
    first = bot.sail()["pid"]
    bot.do("for n in range(100): logging.getLogger('bot').warning('before')")
    until(lambda: bot.metric('whisperwatch_received_total{signal="logs"}') == 100)
    assert bot.do("until(lambda: not ship._cargo.unacknowledged)")
    os.kill(first, signal.SIGKILL)
    bot.do("for n in range(100): logging.getLogger('bot').warning('after')")
    assert bot.do("until(lambda: len(welcomes) == 2)")
    assert bot.do("ship.stop(10)")
    until(lambda: len(collector.logs) == 100)
    assert set(bodies(collector)) == {"after"}
    assert (
        bot.do(
            "recorder.instrument(semconv.SELF_DROPPED).find({'signal': 'logs', 'reason': 'watcher_died'}).value"
        )
        == 100
    )


def test_the_log_file(bots: Bots, tmp_path: Path) -> None:
    path = tmp_path / "log" / "bot.ndjson"
    bot = bots(LOG_FILE=str(path), LOG_COMPONENTS="bot=llm")
    bot.do(HEAR)
    bot.sail()
    bot.do("logging.getLogger('bot').error('key sk-proj-%s', 'abcdEFGH1234ijklMNOP5678')")
    assert bot.do("ship.flush(10)")
    (line,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert line["message"] == "key [redacted:api_key]"
    assert (line["labels.component"], line["service.name"]) == ("llm", "tested")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_stops_nothing(bots: Bots, collector: Collector) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, LOG_FILE="/dev/full", **QUIET)
    bot.do(HEAR)
    bot.sail()
    for _ in range(3):
        bot.do("logging.getLogger('bot').warning('still there')")
        assert bot.do("ship.flush(10)")
    assert until(lambda: bot.metric('whisperwatch_export_dropped_total{reason="file",signal="logs"}') == 3)
    until(lambda: len(collector.logs) == 3)
    assert bot.do("sum('LOG_FILE' in entry for entry in logged)") == 1


def test_where_nobody_takes_logs_none_are_made(bots: Bots) -> None:
    bot = bots(WHISPERWATCH_STORE="off")
    bot.do(HEAR)
    bot.do(
        "ship = make_ship(); from whisperwatch.bot import voyage; ship._on_welcome = voyage._welcomed; ship.start()"
    )
    assert bot.do("until(lambda: ship.welcome and not recorder.logs.on)")
    bot.do("logging.getLogger('bot').error('unheard')")
    assert bot.do("len(recorder.logs)") == 0
