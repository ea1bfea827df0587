"""The servers that a bot uses reach the watcher, for its health checks, and nobody else."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

from .conftest import Bot, Collector, health, until

FOUND = """[vars(stream)['endpoints'][1].arguments for stream in gc.get_objects()
    if type(stream).__name__ == 'Stream' and stream.endpoints]"""


def test_an_endpoint_reaches_the_watcher_and_goes_no_further(
    bots: Callable[..., Bot], collector: Collector
) -> None:
    bot = bots(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WHISPERWATCH_WATCHER="thread")
    bot.do("import gc; from whisperwatch.bot.instrument.libraries.endpoints import remember")
    known = {"host": "db", "port": 5432, "password": "hunter2"}
    bot.do(f"remember('postgresql', {known!r})")
    welcome = bot.sail()
    bot.do("record(1); ship.flush(10)")
    assert bot.do(FOUND) == [known]
    with urllib.request.urlopen(welcome["url"] + "/metrics") as answer:
        assert b"hunter2" not in answer.read()
    assert "hunter2" not in json.dumps(health(welcome["url"]))
    until(lambda: collector.spans)
    assert b"hunter2" not in collector.received
    assert "hunter2" not in json.dumps(bot.do("logged"))
